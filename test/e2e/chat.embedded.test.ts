import { io, type Socket } from "socket.io-client";
import type { ShopNode } from "../../lib/infra/nodes";
import type { ConversationView, MessageView } from "../../services/chat/chat.schema";
import { eventually } from "../integration/node";
import { newPlace, type Place } from "./node";
import { expectStatus, type Tokens } from "./shop";

const SENT = 40;
/** Acknowledgements after which the shop is killed, while more is on its way. */
const KILLED_AFTER = 15;

let place: Place;
let node: ShopNode;
const sockets: Socket[] = [];
beforeAll(async () => {
  place = await newPlace();
  node = await place.start({ LEASE_MS: "500" });
}, 60_000);
afterAll(async () => {
  for (const socket of sockets) socket.disconnect();
  await node.stop();
  place.remove();
}, 30_000);

async function connect({ accessToken: token }: Tokens): Promise<Socket> {
  const options = { auth: { token }, transports: ["websocket"], forceNew: true, reconnection: false };
  const socket = io(place.shop.origin, options);
  sockets.push(socket);
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("connect_error", reject));
  return socket;
}

const call = <R = ConversationView>(socket: Socket, name: string, params: object): Promise<R> =>
  new Promise((resolve, reject) => {
    socket.once("disconnect", () => reject(new Error("the connection was lost")));
    socket.emit("call", name, params, (problem: object | null, result: R) =>
      problem ? reject(problem) : resolve(result),
    );
  });

const say = (socket: Socket, conversationId: string, clientMsgId: string, text: string) =>
  call<MessageView>(socket, "chat.send", { conversationId, clientMsgId, text });

function messagesTo(socket: Socket): MessageView[] {
  const told: MessageView[] = [];
  socket.on("chat.message", ({ message }: { message: MessageView }) => void told.push(message));
  return told;
}

interface Told {
  id: string;
  event: string;
  data: Record<string, unknown>;
}

/** What the stream tells from `lastId` on, for as long as it is open. */
async function listen({ accessToken }: Tokens, lastId?: string): Promise<{ told: Told[]; close: () => void }> {
  const aborting = new AbortController();
  const headers = { Authorization: `Bearer ${accessToken}`, ...(lastId && { "Last-Event-ID": lastId }) };
  const response = await fetch(`${place.shop.origin}/api/v1/stream`, { headers, signal: aborting.signal });
  const told: Told[] = [];
  const read = async () => {
    let text = "";
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const events = (text + chunk).split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        const field = (name: string) => new RegExp(`^${name}:(.*)$`, "m").exec(event)?.[1]?.trim() ?? "";
        if (field("event")) told.push({ id: field("id"), event: field("event"), data: JSON.parse(field("data")) });
      }
    }
  };
  // It ends when the shop is killed, too.
  read().catch(() => undefined);
  return { told, close: () => aborting.abort() };
}
const textsIn = ({ told }: { told: Told[] }) =>
  told.flatMap(({ event, data }) => (event === "chat.message" ? (data.message as MessageView).text : []));

async function history({ accessToken: token }: Tokens, id: string): Promise<MessageView[]> {
  const path = `/conversations/${id}/messages?afterSeq=0&limit=100`;
  return expectStatus(await place.shop.call<{ items: MessageView[] }>("GET", path, { token }), 200).items;
}

const demoAgent = () => place.shop.login("agent@example.com", "demo-password-1234");

describe("support chat in one process, nothing but Node", () => {
  it("helps a customer with an order, from the first question to the rating", async () => {
    const { shop } = place;
    const admin = await shop.admin();
    const customer = await shop.register("Kim");
    const { sku } = await shop.newProduct(admin.accessToken, 10);
    const order = expectStatus(await shop.place(customer.accessToken, [{ sku, quantity: 1 }]), 201);

    const kim = await connect(customer);
    const agent = await demoAgent();
    const asked = await call(kim, "chat.open", { orderId: order.id, text: "Where do I pay?", clientMsgId: "q1" });
    expect(asked).toMatchObject({ status: "queued", queuePosition: 1, orderId: order.id, lastSeq: 1 });
    const lee = await connect(agent);
    const [heardByKim, heardByLee] = [messagesTo(kim), messagesTo(lee)];
    const given = new Promise<{ conversation: ConversationView }>((resolve) =>
      kim.on("chat.conversation", (told) => told.conversation.status === "assigned" && resolve(told)),
    );
    await call(lee, "agent.status", { status: "online", capacity: 3 });
    expect((await given).conversation.agent).toEqual({ id: agent.user.id, name: agent.user.name });

    const { id } = asked;
    await say(lee, id, "a1", "At the checkout, see the order.");
    await shop.confirm(customer.accessToken, order, await shop.checkout(order));
    // What became of the order is said in the conversation, by nobody of them.
    await eventually(() => [heardByKim, heardByLee].every((heard) => heard.some(({ kind }) => kind === "system")));
    const isPaid = expect.stringContaining(`Order ${order.number} is paid`);
    expect(heardByKim.at(-1)).toMatchObject({ kind: "system", sender: { role: "system" }, text: isPaid });
    const context = await shop.call(`GET`, `/conversations/${id}/context`, { token: agent.accessToken });
    expect(context.body).toMatchObject({ orders: [{ id: order.id, number: order.number, status: "paid" }] });
    await say(kim, id, "q2", "Thank you!");
    expect(await history(customer, id)).toEqual(await history(agent, id));

    expect(await call(lee, "chat.close", { conversationId: id })).toMatchObject({ status: "closed" });
    await expect(say(kim, id, "q3", "One more thing")).rejects.toMatchObject({ code: "CONVERSATION_CLOSED" });
    const rating = { score: 5, comment: "Quick" };
    expect(await call(kim, "chat.rate", { conversationId: id, ...rating })).toMatchObject({ rating });
    const [from, to] = [-3_600_000, 3_600_000].map((ms) => new Date(Date.now() + ms).toISOString());
    const report = await shop.call("GET", `/reports/chat?from=${from}&to=${to}`, { token: admin.accessToken });
    expect(expectStatus(report, 200)).toMatchObject({
      opened: 1,
      closed: 1,
      answered: 1,
      rating: { count: 1, average: 5 },
      agents: [{ agent: { id: agent.user.id }, conversations: 1 }],
    });
    for (const socket of [kim, lee]) socket.disconnect();
  }, 60_000);

  it("keeps every acknowledged message when it is killed in mid-conversation, and goes on", async () => {
    const customer = await place.shop.register("Kim");
    const agent = await demoAgent();
    const [kim, lee] = [await connect(customer), await connect(agent)];
    await call(lee, "agent.status", { status: "online", capacity: 3 });
    const { id, agent: holder } = await call(kim, "chat.open", { subject: "Help" });
    expect(holder).toMatchObject({ id: agent.user.id });
    const stream = await listen(customer);
    await say(lee, id, "hello", "Hello, what is it?");
    await eventually(() => textsIn(stream).length === 1);
    const lastId = stream.told.at(-1)?.id;

    const acknowledged: MessageView[] = [];
    const lost: string[] = [];
    let killed: Promise<unknown> | undefined;
    const sending = Array.from({ length: SENT }, async (_, index) => {
      const clientMsgId = `m${index}`;
      try {
        acknowledged.push(await say(kim, id, clientMsgId, `Message ${index}`));
        if (acknowledged.length === KILLED_AFTER) killed = node.kill();
      } catch {
        lost.push(clientMsgId);
      }
    });
    await Promise.all(sending);
    await killed;
    expect(acknowledged.length).toBeGreaterThanOrEqual(KILLED_AFTER);
    node = await place.start({ LEASE_MS: "500" });

    const there = await history(customer, id);
    for (const message of acknowledged) expect(there.filter((one) => one.id === message.id)).toEqual([message]);
    // Whoever has no answer sends again with the same id: what was stored all the same is not there twice.
    const again = await connect(customer);
    const resent = await Promise.all(
      lost.map((clientMsgId) => say(again, id, clientMsgId, `Message ${clientMsgId.slice(1)}`)),
    );
    const all = await history(customer, id);
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: SENT + 1 }, (_, index) => index + 1));
    expect(new Set(all.map(({ clientMsgId }) => clientMsgId)).size).toBe(SENT + 1);
    for (const message of resent) expect(all).toContainEqual(message);

    const resumed = await listen(customer, lastId);
    await eventually(() => textsIn(resumed).length === SENT);
    expect(textsIn(resumed)).toEqual(all.slice(1).map(({ text }) => text));
    expect(resumed.told.map(({ event }) => event)).not.toContain("resync");
    const lee2 = await connect(agent);
    await say(lee2, id, "bye", "Here you are.");
    await eventually(() => textsIn(resumed).at(-1) === "Here you are.");
    resumed.close();
    stream.close();
  }, 60_000);
});
