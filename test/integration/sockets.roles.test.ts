import type { Socket } from "socket.io-client";
import { newId } from "../../lib/ids";
import { keys, tokenFor } from "./gateway.parts";
import { eventually } from "./node";
import { call, connected, type Gateway, heard, open, StandIn, startServices } from "./sockets.parts";

const BEACON_MS = 15_000;
const ALL_BUT_INTERVALS = [
  "Date",
  "hrtime",
  "nextTick",
  "performance",
  "queueMicrotask",
  "setImmediate",
  "clearImmediate",
  "setTimeout",
  "clearTimeout",
] as const;

const standIn = new StandIn();
let shop: Gateway;
beforeAll(async () => {
  // What is done again and again waits until time passes; all else goes on.
  jest.useFakeTimers({ doNotFake: [...ALL_BUT_INTERVALS] });
  shop = await startServices([keys, standIn.chat, standIn.notification], { JWT_ISSUER: "https://shop.example" });
});
afterAll(async () => {
  await shop.stop();
  jest.useRealTimers();
});

const agentNews = ["chat.queue", "chat.presence", "chat.conversation"] as const;

/** What a socket hears that is told, up to what its user is sent after that. */
async function heardBy(client: Socket, userId: string, tell: () => void): Promise<string[]> {
  const events: string[] = [];
  const [first, last] = [newId(), newId()];
  const send = (id: string) => shop.deliver({ to: { users: [userId] }, event: "notification", payload: { id } });
  const { promise, resolve } = Promise.withResolvers<void>();
  const note = (event: string, { id }: { id?: string }) => {
    if (id === last) resolve();
    events.push(id === first || id === last ? id : event);
  };
  client.onAny(note);
  send(first);
  tell();
  send(last);
  await promise;
  client.offAny(note);
  return events.slice(events.indexOf(first) + 1, -1);
}
const tellAgents = (except: string[] = []) => {
  for (const event of agentNews) shop.deliver({ to: { role: "agent", except }, event, payload: {} });
};

it("hears what agents hear once its new token says that it is one, and no more when that does not", async () => {
  const sub = newId();
  const client = await connected(open(shop.url, tokenFor(["customer"], { sub })));
  const another = await connected(open(shop.url, tokenFor(["customer"], { sub })));
  const refresh = (roles: string[]) => call(client, "auth.refresh", { token: tokenFor(roles, { sub }) });
  const told = () => standIn.made("connect").filter(({ params }) => params.connectionId === client.id);
  await eventually(() => told().length === 1);

  expect(await heardBy(client, sub, tellAgents)).toEqual([]);
  for (const role of ["agent", "admin"]) {
    await refresh([role]);
    expect(await heardBy(client, sub, tellAgents)).toEqual(agentNews);
    // With somebody left out it goes to the others one by one.
    expect(await heardBy(client, sub, () => tellAgents(["somebody"]))).toEqual(agentNews);
    expect(await heardBy(client, sub, () => tellAgents([sub]))).toEqual([]);
    expect(await heardBy(another, sub, tellAgents)).toEqual([]);
    expect(await call(client, "chat.claim", { conversationId: "c1" })).toEqual({ id: "c1" });
    await eventually(() => told().at(-1)?.params.agent === true);
    await refresh(["customer"]);
    expect(await heardBy(client, sub, tellAgents)).toEqual([]);
    expect(await heardBy(client, sub, () => tellAgents(["somebody"]))).toEqual([]);
    await expect(call(client, "chat.claim", { conversationId: "c1" })).rejects.toMatchObject({ code: "FORBIDDEN" });
    await eventually(() => told().at(-1)?.params.agent === false);
  }
  expect(client.connected).toBe(true);
});

it("hears again and again what is last in its own conversations, and nothing of others'", async () => {
  const [sub, other, idle] = [newId(), newId(), newId()];
  standIn.heads = { [sub]: { c1: 7, c2: 0 }, [other]: { c3: 1 } };
  const clients = [sub, other, idle].map((user) => open(shop.url, tokenFor(["customer"], { sub: user })));
  const beats: object[] = [];
  clients[2]?.on("chat.heads", (beat: object) => void beats.push(beat));
  const [mine, others] = clients.map((client) => heard<object>(client, "chat.heads"));
  await Promise.all(clients.map(connected));
  await eventually(() => clients.every(({ id = "" }) => standIn.connected.has(id)));
  standIn.calls.length = 0;
  jest.advanceTimersByTime(BEACON_MS - 1);
  expect(standIn.made("heads")).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(await mine).toEqual({ c1: 7, c2: 0 });
  expect(await others).toEqual({ c3: 1 });
  expect(beats).toEqual([]);
  standIn.heads = { [sub]: { c1: 8 } };
  const again = heard(clients[0] as Socket, "chat.heads");
  jest.advanceTimersByTime(BEACON_MS);
  expect(await again).toEqual({ c1: 8 });
  expect(standIn.made("heads")).toHaveLength(2);
});
