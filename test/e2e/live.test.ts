import { type Socket as Connection, connect } from "node:net";
import { io, type Socket } from "socket.io-client";
import type { ShopNode } from "../../lib/infra/nodes";
import { eventually } from "../integration/node";
import { newPlace, type Place } from "./node";
import { expectStatus, type Tokens } from "./shop";

let place: Place;
let node: ShopNode;
const ends: { destroy(): unknown }[] = [];
beforeAll(async () => {
  place = await newPlace();
  // Its end is bounded with what a node drains by default.
  node = await place.start({ DRAIN_MS: "1000" });
}, 60_000);
afterEach(() => {
  for (const end of ends.splice(0)) end.destroy();
});
afterAll(async () => {
  await node.kill();
  place.remove();
}, 30_000);

/** A connection that says what it likes. */
async function raw(text: string): Promise<Connection> {
  const socket = connect(place.ports.http, "127.0.0.1");
  ends.push(socket);
  socket.on("error", () => undefined);
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  socket.write(text);
  return socket;
}
const request = ({ accessToken }: Tokens) =>
  `GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${accessToken}\r\n\r\n`;

async function socketOf({ accessToken: token }: Tokens): Promise<Socket> {
  const socket = io(place.shop.origin, { auth: { token }, transports: ["websocket"], reconnection: false });
  ends.push({ destroy: () => socket.disconnect() });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("connect_error", reject));
  return socket;
}
const call = <R>(socket: Socket, name: string, params: object): Promise<R> =>
  new Promise((resolve, reject) =>
    socket.emit("call", name, params, (problem: object | null, result: R) =>
      problem ? reject(problem) : resolve(result),
    ),
  );
async function metric(name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${place.ports.ops}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
}

/** Messages of the most text, one after the other in a conversation of one's own. */
async function speaker(tokens: Tokens) {
  const socket = await socketOf(tokens);
  const { id: conversationId } = await call<{ id: string }>(socket, "chat.open", {});
  let sent = 0;
  const text = "x".repeat(4000);
  return async (count: number) => {
    const sends = Array.from({ length: count }, () =>
      call(socket, "chat.send", { conversationId, clientMsgId: `m${sent++}`, text }),
    );
    await Promise.all(sends);
  };
}

/** What no client sends that means well, of Engine.IO and Socket.IO; each on a connection of its own. */
const MALFORMED = [
  '42["error","x"]',
  '42["disconnect"]',
  '42["newListener",1]',
  "42[]",
  "42{}",
  "42[null]",
  '42[{"call":1}]',
  '421234567890123456789["call"]',
  '452-["call",{"_placeholder":true,"num":9}]',
  '4599999-["call"]',
  "451-",
  '43999999["x"]',
  "40null",
  "40[]",
  '40/x,{"a":1}',
  '40{"pid":{},"offset":{}}',
  "41/x,",
  "44{}",
  "4",
  "49",
  "6",
  "1",
  "2probe",
  "5",
  `42${"[".repeat(30_000)}`,
  `42["call",${"[".repeat(20_000)}${"]".repeat(20_000)}]`,
  "x".repeat(70_000),
];

/** Ten of each. */
const BEGUN_UPGRADES = ["/", "/socket.io/", "/socket.io/?EIO=4&transport=websocket", "/socket.io/?EIO=4&transport=x"]
  .flatMap((path) => ["", "Origin: https://evil.example\r\n"].map((origin) => ({ path, origin })))
  .flatMap((upgrade) => Array.from({ length: 10 }, () => upgrade));

/** An upgrade that ends when it is answered, or as soon as it has begun: nobody may be left who hears of the error. */
async function dropUpgrade({ path, origin }: { path: string; origin: string }, n: number): Promise<void> {
  const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const socket = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\n${upgrade}${key}${origin}\r\n`);
  // A path that is nobody's is not answered: the server ends it after a second.
  if (n % 2) await new Promise<void>((resolve) => socket.once("data", () => resolve()).once("close", () => resolve()));
  socket.resetAndDestroy();
}

it("lives on whatever a client sends", async () => {
  const kim = await place.shop.register();
  const url = `${place.shop.origin.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`;
  for (const packet of MALFORMED)
    for (const isIn of [true, false]) {
      const ws = new WebSocket(url);
      const heard: string[] = [];
      const isClosed = new Promise((resolve) => ws.addEventListener("close", resolve));
      ws.addEventListener("message", ({ data }) => void heard.push(String(data)));
      await eventually(() => heard.length === 1);
      if (isIn) ws.send(`40${JSON.stringify({ token: kim.accessToken })}`);
      if (isIn) await eventually(() => heard.length === 2);
      ws.send(packet);
      ws.send(new Uint8Array(10));
      ws.send("3");
      ws.close();
      await isClosed;
    }
  await Promise.all(BEGUN_UPGRADES.map(dropUpgrade));
  const socket = await socketOf(kim);
  expect(await call(socket, "chat.list", {})).toMatchObject({ items: [] });
  expect(expectStatus(await place.shop.call("GET", "/users/me", { token: kim.accessToken }), 200)).toBeDefined();
  await eventually(async () => (await metric('shop_sockets\\{transport="websocket"\\}')) === 1);
  expect(node.running).toBe(true);
  expect(node.output()).not.toMatch(/uncaught|unhandled/i);
}, 120_000);

const AT_ONCE = 50;
/** Half of what a client may leave unread, in messages: the kernel takes no more, and the node not yet too much. */
const HALF_UNREAD = 120;

/** A stream that nobody reads. */
async function deafStream(tokens: Tokens): Promise<void> {
  const before = await metric("shop_streams");
  const socket = await raw("");
  socket.pause();
  socket.write(request(tokens));
  await eventually(async () => (await metric("shop_streams")) === before + 1);
}

/** The same node, after all of the above. */
it("ends by itself while clients stay that do not read", async () => {
  const [kim, deaf] = [await place.shop.register(), await place.shop.register()];
  const socket = await socketOf(kim);
  const told = new Promise((resolve) => socket.once("session.ended", resolve));
  const gone = new Promise((resolve) => socket.once("disconnect", resolve));
  const reader = await raw(request(kim));
  let heard = "";
  reader.on("data", (data) => {
    heard += data.toString();
  });
  const closed = new Promise((resolve) => reader.once("close", resolve));
  await eventually(async () => (await metric("shop_streams")) === 1);

  const speak = await speaker(deaf);
  await deafStream(deaf);
  let most = 0;
  // The first shows how much it takes until it is let go.
  while ((await metric("shop_streams")) === 2) {
    await speak(AT_ONCE);
    most += AT_ONCE;
  }
  await deafStream(deaf);
  for (let sent = 0; sent < most - HALF_UNREAD; sent += AT_ONCE) await speak(AT_ONCE);
  expect(await metric("shop_streams")).toBe(2);

  const began = Date.now();
  node.signal("SIGTERM");
  expect(await node.exited).toEqual({ code: 0, signal: null });
  expect(Date.now() - began).toBeLessThan(10_000);
  expect(node.output()).not.toMatch(/uncaught|unhandled/i);
  expect(await told).toEqual({ reason: "shutdown" });
  await Promise.all([gone, closed]);
  expect(heard).toMatch(/event:\s?session\.ended\n.*data:\s?\{"reason":"shutdown"\}/s);
}, 180_000);
