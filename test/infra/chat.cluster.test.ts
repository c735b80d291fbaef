import { freePorts } from "../../lib/infra/ports";
import apiService from "../../services/api/api.service";
import authService from "../../services/auth/auth.service";
import type { ConversationView, MessageView } from "../../services/chat/chat.schema";
import chatService from "../../services/chat/chat.service";
import notificationService from "../../services/notification/notification.service";
import userService from "../../services/user/user.service";
import { expectStatus, PASSWORD, Shop, type Tokens } from "../e2e/shop";
import { eventually, startNode, type TestNode } from "../integration/node";
import { call, connected, heard, open } from "../integration/sockets.parts";
import { names, listen as stream } from "../integration/stream.parts";
import { withServers } from "./servers";

interface Live {
  conversationId: string;
  message: MessageView;
  prevSeq: number;
}

withServers(["nats", "mongo", "redis", "kafka"], "people at two gateways", (env) => {
  let nodes: TestNode[] = [];
  let here: Shop;
  let there: Shop;

  beforeAll(async () => {
    const [first = 0, second = 0] = await freePorts(2);
    const common = { ...env, LEASE_MS: "500", RATE_LIMIT: "off", DEMO_DATA: "on" };
    const services = [authService, userService, chatService, notificationService];
    nodes = [
      await startNode([...services, apiService], { ...common, PORT: String(first) }),
      await startNode([chatService, apiService], { ...common, PORT: String(second) }),
    ];
    here = new Shop(`http://127.0.0.1:${first}`);
    there = new Shop(`http://127.0.0.1:${second}`);
    // Each knows the services of the other once it can say who may not ask.
    for (const shop of [here, there])
      await eventually(async () => (await shop.call("GET", "/conversations")).status === 401, 20_000);
  }, 90_000);
  afterAll(async () => {
    for (const node of nodes) await node.stop();
  }, 30_000);

  async function agentNamed(name: string): Promise<Tokens> {
    const admin = await eventually(() => here.admin().catch(() => undefined), 20_000);
    const { user } = await here.register(name);
    const body = { roles: ["agent"] };
    expectStatus(await here.call("PATCH", `/users/${user.id}`, { token: admin.accessToken, body }), 200);
    return here.login(user.email, PASSWORD);
  }
  const connect = (shop: Shop, { accessToken }: Tokens) => connected(open(shop.origin, accessToken));
  const status = (client: ReturnType<typeof open>, to: string) =>
    call(client, "agent.status", { status: to, capacity: 2 });

  /** All that a client is told of one kind. */
  function listen<T>(client: ReturnType<typeof open>, event: string): T[] {
    const told: T[] = [];
    client.on(event, (payload: T) => void told.push(payload));
    return told;
  }

  async function talking() {
    const [customer, agent] = [await here.register("Kim"), await agentNamed("Lee")];
    const [kim, lee] = [await connect(here, customer), await connect(there, agent)];
    await status(lee, "online");
    const told = { kim: listen<Live>(kim, "chat.message"), lee: listen<Live>(lee, "chat.message") };
    // On a busy machine it is answered while it waits.
    const opened = await eventually(async () => {
      const conversation = await call<ConversationView>(kim, "chat.open", { subject: "Help" });
      return conversation.status === "assigned" && conversation;
    });
    expect(opened).toMatchObject({ agent: { id: agent.user.id, name: "Lee" } });
    let sent = 0;
    const say = (client: typeof kim, text: string, kind = "message") =>
      call<MessageView>(client, "chat.send", { conversationId: opened.id, clientMsgId: `m${++sent}`, text, kind });
    return { customer, agent, kim, lee, told, id: opened.id, say, done: () => status(lee, "offline") };
  }
  const seqs = (told: Live[]) => told.map(({ message, prevSeq }) => [prevSeq, message.seq]);

  it("talk to each other, and read and see each other type", async () => {
    const { customer, agent, kim, lee, told, id, say, done } = await talking();
    const typing = heard<object>(lee, "chat.typing");
    let seen: object | undefined;
    void typing.then((told) => {
      seen = told;
    });
    // It is not worth keeping for a client that is slow at the moment, so it is told until it is heard.
    await eventually(async () => {
      await call(kim, "chat.typing", { conversationId: id, typing: true });
      return seen;
    }, 60_000);
    expect(seen).toEqual({ conversationId: id, user: { id: customer.user.id, name: "Kim" }, typing: true });
    await say(kim, "Hello?");
    await say(lee, "Hello!");
    await eventually(() => told.kim.length === 2 && told.lee.length === 2);
    expect(seqs(told.kim)).toEqual(seqs(told.lee));
    expect(told.kim.map(({ message }) => [message.seq, message.text, message.sender.role])).toEqual([
      [1, "Hello?", "customer"],
      [2, "Hello!", "agent"],
    ]);
    const read = heard<object>(lee, "chat.read");
    expect(await call(kim, "chat.read", { conversationId: id, seq: 2 })).toMatchObject({ unread: 0 });
    expect(await read).toEqual({ conversationId: id, userId: customer.user.id, seq: 2 });
    const history = `/conversations/${id}/messages`;
    const [atHere, atThere] = await Promise.all([
      here.call<{ items: MessageView[] }>("GET", history, { token: customer.accessToken }),
      there.call<{ items: MessageView[] }>("GET", history, { token: agent.accessToken }),
    ]);
    expect(expectStatus(atHere, 200)).toEqual(expectStatus(atThere, 200));
    await done();
  }, 120_000);

  it("keep notes among agents, and a customer sees no gap", async () => {
    const { customer, kim, lee, told, id, say, done } = await talking();
    await say(kim, "Where is it?");
    await say(lee, "She asked yesterday as well", "note");
    await say(lee, "On its way");
    await eventually(() => told.kim.length === 2 && told.lee.length === 3);
    expect(seqs(told.kim)).toEqual([
      [0, 1],
      [1, 3],
    ]);
    expect(seqs(told.lee)).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
    const synced = await call<{ messages: MessageView[] }>(kim, "chat.sync", { cursors: { [id]: 0 } });
    expect(synced.messages.map(({ seq }) => seq)).toEqual([1, 3]);
    const token = customer.accessToken;
    const shown = await there.call<{ items: MessageView[] }>("GET", `/conversations/${id}/messages`, { token });
    expect(JSON.stringify(shown.body)).not.toContain("yesterday");
    await done();
  }, 120_000);

  it("pass a conversation on to somebody at the other gateway", async () => {
    const { kim, lee, told, id, say, done } = await talking();
    const successor = await agentNamed("Park");
    const park = await connect(here, successor);
    await status(park, "online");
    await say(kim, "Hello?");
    const [forKim, forPark] = [kim, park].map((client) =>
      heard<{ conversation: ConversationView }>(client, "chat.conversation"),
    );
    const heardByPark = listen<Live>(park, "chat.message");
    await call(lee, "chat.transfer", { conversationId: id, agentId: successor.user.id });
    for (const told of [forKim, forPark])
      expect((await told)?.conversation).toMatchObject({ id, status: "assigned", agent: { name: "Park" } });
    await expect(say(lee, "I am not done")).rejects.toMatchObject({ code: "NOT_ASSIGNED" });
    await say(kim, "Who are you?");
    await say(park, "Park, I take over");
    await eventually(() => told.kim.length === 3 && heardByPark.length === 2);
    expect(told.kim.map(({ message }) => message.sender.name)).toEqual(["Kim", "Kim", "Park"]);
    expect(told.lee).toHaveLength(1);
    await status(park, "offline");
    await done();
  }, 120_000);

  it("open a stream with a ticket of the other gateway, once, whoever asks at the same time", async () => {
    const { accessToken: token } = await here.register("Kim");
    const ticketAt = async (shop: Shop) =>
      expectStatus(await shop.call<{ ticket: string }>("POST", "/stream/tickets", { token }), 201).ticket;
    const take = ({ origin }: Shop, ticket: string) => stream({ url: origin }, `?ticket=${ticket}`);
    const first = await take(there, await ticketAt(here));
    await eventually(() => names(first).includes("chat.heads"));
    first.close();
    for (const shop of [here, there]) {
      const ticket = await ticketAt(shop);
      const taken = await Promise.allSettled([here, there, here, there].map((at) => take(at, ticket)));
      for (const one of taken)
        if (one.status === "fulfilled") one.value.close();
        else expect(String(one.reason)).toMatch(/401.*BAD_TICKET/);
      expect(taken.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      for (const at of [here, there]) await expect(take(at, ticket)).rejects.toThrow(/401.*BAD_TICKET/);
    }
  }, 60_000);

  it("leave at one, and are gone from the other within a second", async () => {
    const customer = await here.register("Kim");
    const { accessToken: token, refreshToken } = customer;
    const client = await connect(there, customer);
    const [told, gone] = [heard<{ reason: string }>(client, "session.ended"), heard(client, "disconnect")];
    expect((await here.call("POST", "/auth/logout", { token, body: { refreshToken } })).status).toBe(204);
    const since = performance.now();
    await gone;
    expect(performance.now() - since).toBeLessThan(1000);
    expect(await told).toEqual({ reason: "logout" });
  }, 30_000);
});
