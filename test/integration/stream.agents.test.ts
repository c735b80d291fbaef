import type { Role } from "../../lib/actions";
import { newId } from "../../lib/ids";
import type { Conversation } from "../../services/chat/chat.contract";
import chatService from "../../services/chat/chat.service";
import notificationService from "../../services/notification/notification.service";
import { type Account, metaOf, PASSWORD, register } from "./auth.accounts";
import { eventually } from "./node";
import { type Gateway, startWith } from "./sockets.parts";
import { bearer, type Listening, listen, names } from "./stream.parts";

let shop: Gateway;
let lee: Account;
let park: Account;
const root = { user: { id: newId(), roles: ["admin" as Role], sid: "s" } };

beforeAll(async () => {
  shop = await startWith([chatService, notificationService], { RATE_LIMIT: "off" });
  [lee, park] = [await agent(), await agent()];
});
afterAll(() => shop.stop());

async function agent(): Promise<Account> {
  const { user } = await register(shop);
  await shop.as(root, "user.change", { id: user.id, roles: ["agent"] });
  return shop.as<Account>({ clientIp: "192.0.2.1" }, "auth.login", { email: user.email, password: PASSWORD });
}
const ask = <R = Conversation>(who: Account, action: string, params: object = {}) =>
  shop.as<R>(metaOf(who), `chat.${action}`, params);
const say = (who: Account, id: string, text: string) => ask(who, "send", { id, text, clientMsgId: newId() });
async function opened(text?: string) {
  const customer = await register(shop);
  const { id } = await ask(customer, "open", text === undefined ? {} : { text, clientMsgId: newId() });
  return { customer, id, done: () => ask(customer, "close", { id }) };
}

async function away(): Promise<string> {
  const stream = await listen(shop, "", bearer(lee.accessToken));
  await eventually(() => names(stream).includes("chat.heads"));
  stream.close();
  return stream.events.at(-1)?.id ?? "";
}
async function back(lastId: string): Promise<Listening> {
  const stream = await listen(shop, "", { ...bearer(lee.accessToken), "Last-Event-ID": lastId });
  await eventually(() => names(stream).includes("chat.heads"));
  expect(names(stream)).not.toContain("resync");
  return stream;
}
/** How each conversation is by what the stream said last of it. */
const shown = ({ events }: Listening) =>
  new Map(
    events.flatMap(({ event, data }) => {
      const { id, status, agent } = (data.conversation ?? {}) as Conversation;
      return event === "chat.conversation" ? [[id, `${status} ${agent?.id ?? "-"}`] as const] : [];
    }),
  );
const textsOf = ({ events }: Listening, id: string) =>
  events.flatMap(({ event, data }) =>
    event === "chat.message" && data.conversationId === id ? (data.message as { text: string }).text : [],
  );

describe("an agent who was away hears", () => {
  it("of a conversation that came and waits, with what was said", async () => {
    const lastId = await away();
    const { id, done } = await opened("Hello?");
    const stream = await back(lastId);
    expect(shown(stream).get(id)).toBe("queued -");
    expect(textsOf(stream, id)).toEqual(["Hello?"]);
    expect(stream.events.find(({ event }) => event === "chat.queue")?.data).toEqual({ length: 1 });
    await done();
  });

  it("of what was said in one that waited before, and nothing twice", async () => {
    const { id, customer, done } = await opened("Hello?");
    const lastId = await away();
    await say(customer, id, "Anybody?");
    const stream = await back(lastId);
    expect(textsOf(stream, id)).toEqual(["Anybody?"]);
    await say(customer, id, "At last");
    await eventually(() => textsOf(stream, id).length === 2);
    await done();
  });

  it("that one that waited before is somebody else's", async () => {
    const { id, done } = await opened();
    const lastId = await away();
    await ask(park, "claim", { id });
    expect(shown(await back(lastId)).get(id)).toBe(`assigned ${park.user.id}`);
    await done();
  });

  it("that one came and is somebody else's", async () => {
    const lastId = await away();
    const { id, done } = await opened("Hello?");
    await ask(park, "claim", { id });
    const stream = await back(lastId);
    expect(shown(stream).get(id)).toBe(`assigned ${park.user.id}`);
    expect(textsOf(stream, id)).toEqual([]);
    await done();
  });

  it("that one came and went, whoever had it", async () => {
    const lastId = await away();
    const [nobodys, parks, mine] = [await opened(), await opened(), await opened("Hello?")];
    await ask(park, "claim", { id: parks.id });
    await ask(lee, "claim", { id: mine.id });
    for (const { done } of [nobodys, parks, mine]) await done();
    const stream = await back(lastId);
    expect([nobodys, parks, mine].map(({ id }) => shown(stream).get(id))).toEqual([
      "closed -",
      `closed ${park.user.id}`,
      `closed ${lee.user.id}`,
    ]);
    expect(textsOf(stream, mine.id)).toEqual(["Hello?"]);
  });

  it("that one of somebody else's waits again, or ended, however old it is", async () => {
    const [again, ended] = [await opened(), await opened()];
    for (const { id } of [again, ended]) await ask(park, "claim", { id });
    const lastId = await away();
    await ask(park, "transfer", { id: again.id, queue: true });
    await ended.done();
    const stream = await back(lastId);
    expect(shown(stream).get(again.id)).toBe("queued -");
    expect(shown(stream).get(ended.id)).toBe(`closed ${park.user.id}`);
    await again.done();
  });
});

it("tells an agent to load anew where more changed than is told one by one", async () => {
  const lastId = await away();
  const customer = await register(shop);
  for (let n = 0; n < 101; n++) {
    const { id } = await ask(customer, "open");
    await ask(customer, "close", { id });
  }
  await Promise.all(Array.from({ length: 100 }, () => opened()));
  const stream = await listen(shop, "", { ...bearer(lee.accessToken), "Last-Event-ID": lastId });
  await eventually(() => names(stream).includes("chat.heads"));
  expect(names(stream)).toEqual(["resync", "chat.heads"]);
}, 60_000);

it("tells nobody of the desk who is no agent", async () => {
  const customer = await register(shop);
  await expect(ask(customer, "desk", { since: new Date().toISOString() })).rejects.toMatchObject({ code: 403 });
});
