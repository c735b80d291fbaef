import type { Server } from "node:http";
import { connect, type Socket } from "node:net";
import { metaOf, register } from "./auth.accounts";
import { eventually } from "./node";
import { type Gateway, StandIn, startSecond, startShop } from "./sockets.parts";
import { bearer, listen, names, seqs } from "./stream.parts";

const standIn = new StandIn();
let shop: Gateway;
let second: Gateway;

beforeAll(async () => {
  shop = await startShop(standIn);
  second = await startSecond(shop);
});
afterAll(async () => {
  await second.stop();
  await shop.stop();
});
beforeEach(() => {
  standIn.heads = {};
  standIn.messages = [];
  standIn.conversations = [];
  standIn.notified = [];
});

const message = (seq: number, conversationId = "c1") => ({ id: `m${seq}`, conversationId, seq, text: `text ${seq}` });
async function start() {
  const account = await register(shop);
  const to = { users: [account.user.id] };
  const say = (seq: number, at = shop) => {
    standIn.messages.push(message(seq));
    at.deliver({
      to,
      event: "chat.message",
      payload: { conversationId: "c1", message: message(seq), prevSeq: seq - 1 },
    });
  };
  const headers = bearer(account.accessToken);
  standIn.heads = { [account.user.id]: { c1: 2 } };
  return { account, to, say, headers };
}

it("begins with what is last in each conversation, and goes on with what happens", async () => {
  const { account, say, headers, to } = await start();
  const stream = await listen(shop, "", headers);
  await eventually(() => names(stream).includes("chat.heads"));
  expect(stream.events[0]?.data).toEqual({ c1: 2 });
  say(3);
  shop.deliver({ to: { users: ["another"] }, event: "notification", payload: { n: 1 } });
  shop.deliver({ to: { role: "agent" }, event: "chat.queue", payload: { length: 1 } });
  shop.deliver({ to, event: "chat.typing", payload: { conversationId: "c1" }, volatile: true });
  await eventually(() => names(stream).includes("chat.typing"));
  expect(names(stream)).toEqual(["chat.heads", "chat.message", "chat.typing"]);
  await eventually(() => [...standIn.connected.values()].includes(account.user.id));
  stream.close();
  await eventually(() => ![...standIn.connected.values()].includes(account.user.id));
});

it("resumes at another gateway without a gap, in order, and before what happens now", async () => {
  const { say, headers, account, to } = await start();
  standIn.notified = [{ id: "n1" }];
  const stream = await listen(shop, "", headers);
  await eventually(() => stream.events.length === 1);
  say(3);
  shop.deliver({ to, event: "notification", payload: { id: "n3" } });
  await eventually(() => stream.events.length === 3);
  stream.close();
  say(4);
  say(5);
  // It tells of something that was before the last one that the client has: it was only made later.
  standIn.notified = [{ id: "n1" }, { id: "n2" }, { id: "n3" }];
  standIn.messages.push(message(1, "c2"));
  standIn.heads = { [account.user.id]: { c1: 5, c2: 1 } };
  let meanwhile = true;
  standIn.before = (action) => {
    if (action !== "sync" || !meanwhile) return;
    meanwhile = false;
    say(6, second);
    second.deliver({
      to: { users: [account.user.id] },
      event: "chat.read",
      payload: { conversationId: "c1", userId: "agent", seq: 5 },
    });
  };
  const resumed = await listen(second, "", { ...headers, "Last-Event-ID": stream.events.at(-1)?.id ?? "" });
  await eventually(() => names(resumed).includes("chat.read"));
  standIn.before = () => undefined;
  say(7, second);
  await eventually(() => seqs(resumed).includes(7));
  expect(seqs(resumed)).toEqual([4, 5, 1, 6, 7]);
  expect(names(resumed)).not.toContain("resync");
  const notified = resumed.events.filter(({ event }) => event === "notification");
  expect(notified.map(({ data }) => data.id)).toEqual(["n2"]);
  resumed.close();
});

it("resumes with more than a client may leave unread, whole and in order", async () => {
  const { say, headers } = await start();
  const stream = await listen(shop, "", headers);
  await eventually(() => stream.events.length === 1);
  stream.close();
  const text = "x".repeat(4000);
  for (let seq = 3; seq <= 1000; seq++) standIn.messages.push({ ...message(seq), text });
  const resumed = await listen(shop, "", { ...headers, "Last-Event-ID": stream.events[0]?.id ?? "" });
  await eventually(() => seqs(resumed).length > 0);
  say(1001);
  await eventually(() => seqs(resumed).includes(1001));
  expect(seqs(resumed)).toEqual(Array.from({ length: 999 }, (_, n) => n + 3));
  expect(names(resumed)).not.toContain("resync");
  resumed.close();
});

it("says resync where a conversation came and went meanwhile", async () => {
  const { headers } = await start();
  const stream = await listen(shop, "", headers);
  await eventually(() => stream.events.length === 1);
  stream.close();
  const closed = (id: string, at: number) => ({
    id,
    status: "closed",
    customer: { id: "c" },
    agent: null,
    closedAt: new Date(at).toISOString(),
  });
  const resume = async () => {
    const resumed = await listen(shop, `?lastEventId=${stream.events[0]?.id}`, headers);
    await eventually(() => names(resumed).includes("chat.heads"));
    resumed.close();
    return names(resumed);
  };
  standIn.conversations = [closed("c1", Date.now()), closed("c7", Date.now() - 60_000)];
  expect(await resume()).not.toContain("resync");
  standIn.conversations = [closed("c8", Date.now())];
  expect(await resume()).toContain("resync");
});

it("does not replay what went to another agent", async () => {
  const { account, say, headers } = await start();
  const stream = await listen(shop, "", headers);
  await eventually(() => stream.events.length === 1);
  stream.close();
  standIn.heads = {};
  say(3);
  const customer = { id: "somebody" };
  standIn.conversations = [{ id: "c1", status: "assigned", customer, agent: { id: "another" } }];
  const resume = async (id = stream.events[0]?.id) => {
    const resumed = await listen(shop, `?lastEventId=${id}`, headers);
    await eventually(() => names(resumed).includes("chat.heads"));
    resumed.close();
    return resumed;
  };
  const other = await resume();
  expect(names(other)).toEqual(["chat.conversation", "chat.heads"]);
  expect(names(await resume(other.events.at(-1)?.id))).toEqual(["chat.heads"]);
  standIn.conversations = [{ id: "c1", status: "assigned", customer, agent: { id: account.user.id } }];
  expect(seqs(await resume())).toEqual([3]);
});

it("sends a notification that is made late", async () => {
  const { headers, to } = await start();
  standIn.notified = Array.from({ length: 30 }, (_, n) => ({ id: `n${n + 10}` }));
  const stream = await listen(shop, "", headers);
  await eventually(() => stream.events.length === 1);
  for (const id of ["n05", "n05", "n99"]) shop.deliver({ to, event: "notification", payload: { id } });
  await eventually(() => stream.events.some(({ data }) => data.id === "n99"));
  expect(stream.events.slice(1).map(({ data }) => data.id)).toEqual(["n05", "n99"]);
  stream.close();
});

it("sends what got lost on the way before what came after it", async () => {
  const { say, headers } = await start();
  const stream = await listen(shop, "", headers);
  await eventually(() => stream.events.length === 1);
  standIn.messages.push(message(3));
  say(4);
  await eventually(() => seqs(stream).length === 2);
  expect(seqs(stream)).toEqual([3, 4]);
  stream.close();
});

it.each(["garbage", "unknown", Buffer.from('{"u":"another","f":"","n":[],"s":{}}').toString("base64url")])(
  "says resync for the id %.20s, and goes on from there",
  async (id) => {
    const { say, headers } = await start();
    const stream = await listen(shop, "", { ...headers, "Last-Event-ID": id });
    await eventually(() => names(stream).includes("chat.heads"));
    expect(names(stream)).toEqual(["resync", "chat.heads"]);
    say(3);
    await eventually(() => seqs(stream).includes(3));
    stream.close();
  },
);

it("says resync where chat cannot say what was missed", async () => {
  const { headers } = await start();
  const stream = await listen(shop, "", headers);
  await eventually(() => stream.events.length === 1);
  stream.close();
  standIn.before = (action) => {
    if (action === "sync") throw new Error("away");
  };
  const resumed = await listen(shop, `?lastEventId=${stream.events[0]?.id}`, headers);
  await eventually(() => names(resumed).includes("resync"));
  standIn.before = () => undefined;
  resumed.close();
});

it("takes a ticket once, at any gateway", async () => {
  const { account, headers } = await start();
  const ticketOf = async (gateway: Gateway) => {
    const answer = await fetch(`${gateway.url}/api/v1/stream/tickets`, { method: "POST", headers });
    expect(answer.status).toBe(201);
    return ((await answer.json()) as { ticket: string; expiresIn: number }).ticket;
  };
  const ticket = await ticketOf(shop);
  const head = await fetch(`${shop.url}/api/v1/stream?ticket=${ticket}`, { method: "HEAD" });
  expect(head.ok).toBe(true);
  const stream = await listen(shop, `?ticket=${ticket}`);
  await eventually(() => stream.events.length === 1);
  for (const bad of [ticket, "x", `${ticket.split(".")[0]}.${"a".repeat(32)}`, "nobody.abc"])
    await expect(listen(shop, `?ticket=${bad}`)).rejects.toThrow(/401.*BAD_TICKET/);
  const late = await ticketOf(shop);
  await shop.as(metaOf(account), "auth.logout", { refreshToken: account.refreshToken });
  await expect(listen(shop, `?ticket=${late}`)).rejects.toThrow(/401.*TOKEN_REVOKED/);
  await eventually(() => stream.closed, 1000);
  expect(stream.events.at(-1)).toMatchObject({ event: "session.ended", data: { reason: "logout" } });
});

it("does not warn of a client that leaves", async () => {
  const { account, headers } = await start();
  const { logger } = shop.broker.getLocalService("api") as unknown as { logger: { warn: () => void } };
  const warn = jest.spyOn(logger, "warn");
  const stream = await listen(shop, "", headers);
  const isThere = () => [...standIn.connected.values()].includes(account.user.id);
  await eventually(isThere);
  stream.close();
  await eventually(() => !isThere());
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});

it("answers HEAD, and refuses who is not signed in", async () => {
  const { headers } = await start();
  expect((await fetch(`${shop.url}/api/v1/stream`, { method: "HEAD", headers })).status).toBeLessThan(300);
  expect((await fetch(`${shop.url}/api/v1/stream`)).status).toBe(401);
  expect((await fetch(`${shop.url}/api/v1/stream/tickets`, { method: "POST" })).status).toBe(401);
});

/** A client that asks for its stream, and reads nothing of it. */
async function deaf({ url }: Gateway, token: string, isThere: () => boolean): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  socket.pause();
  socket.write(`GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  await eventually(isThere);
  return socket;
}
const large = { event: "notification", payload: { text: "x".repeat(60_000) } } as const;
const serverOf = ({ broker }: Gateway) => (broker.getLocalService("api") as unknown as { server: Server }).server;
const connectionsTo = (server: Server) =>
  new Promise<number>((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });

it("lets a client go that does not read", async () => {
  const { account, to } = await start();
  const isThere = () => [...standIn.connected.values()].includes(account.user.id);
  const socket = await deaf(shop, account.accessToken, isThere);
  await eventually(() => {
    for (let n = 0; n < 20; n++) shop.deliver({ to, ...large });
    return !isThere();
  }, 20_000);
  socket.destroy();
});

describe("a client that does not read", () => {
  const away = new StandIn();
  let leaving: Gateway;
  beforeEach(async () => {
    leaving = await startShop(away);
  });
  afterEach(() => leaving.stop());

  /** Fills all that lies between, but not what a client may leave unread. */
  async function stuffed() {
    const account = await register(leaving);
    const isThere = () => [...away.connected.values()].includes(account.user.id);
    const ends: Socket[] = [];
    serverOf(leaving).on("connection", (end) => ends.push(end));
    const socket = await deaf(leaving, account.accessToken, isThere);
    // The kernel takes more for a while after it has first refused.
    let refused = 0;
    await eventually(() => {
      refused = ends.some(({ writableLength }) => writableLength > 0) ? refused + 1 : 0;
      if (refused === 0) leaving.deliver({ to: { users: [account.user.id] }, ...large });
      return refused > 30;
    }, 20_000);
    expect(isThere()).toBe(true);
    return { account, socket, isThere };
  }

  it("is let go when its session ends", async () => {
    const { account, socket, isThere } = await stuffed();
    await leaving.as(metaOf(account), "auth.logout", { refreshToken: account.refreshToken });
    await eventually(() => !isThere(), 3000);
    await eventually(async () => (await connectionsTo(serverOf(leaving))) === 0, 3000);
    socket.destroy();
  });

  it("does not keep a node from ending", async () => {
    const { socket } = await stuffed();
    const since = performance.now();
    const server = serverOf(leaving);
    await leaving.broker.stop();
    expect(performance.now() - since).toBeLessThan(4000);
    expect(await connectionsTo(server)).toBe(0);
    socket.destroy();
  });
});
