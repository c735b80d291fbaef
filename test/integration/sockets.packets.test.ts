import type { Server } from "socket.io";
import { nodeOf } from "../../lib/node";
import { register } from "./auth.accounts";
import { eventually } from "./node";
import { call, connected, type Gateway, open, StandIn, startShop } from "./sockets.parts";

const standIn = new StandIn();
let shop: Gateway;
let token: string;
beforeAll(async () => {
  shop = await startShop(standIn);
  token = (await register(shop)).accessToken;
});
afterAll(() => shop.stop());

const sockets = () => (shop.broker.getLocalService("api") as unknown as { io: Server }).io.of("/").sockets.size;

/** A client of Engine.IO that says what it likes. */
class Raw {
  readonly heard: string[] = [];
  readonly ws = new WebSocket(`${shop.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);

  constructor() {
    this.ws.addEventListener("message", ({ data }) => void this.heard.push(String(data)));
  }

  /** Resolves when the server has said hello. */
  async ready(): Promise<this> {
    await this.hears(/^0\{/);
    return this;
  }

  send(...packets: string[]): void {
    for (const packet of packets) this.ws.send(packet);
  }

  count = (pattern: RegExp): number => this.heard.filter((packet) => pattern.test(packet)).length;
  hears = (pattern: RegExp, times = 1) => eventually(() => this.count(pattern) >= times);
}

const raws: Raw[] = [];
afterEach(async () => {
  for (const { ws } of raws.splice(0)) ws.close();
  await eventually(() => sockets() === 0);
});
const raw = () => {
  const client = new Raw();
  raws.push(client);
  return client.ready();
};
const CONNECTED = /^40\{"sid"/;
const REFUSED = /^44\{.*"ALREADY_CONNECTED"/;
const connect = (auth: object) => `40${JSON.stringify(auth)}`;
const ask = (n: number) => `42${n}["call","chat.typing",{"conversationId":"c1","typing":true}]`;

/** Several packets in one request are all there before any is answered. */
async function polling(packets: string[]) {
  const url = `${shop.url}/socket.io/?EIO=4&transport=polling`;
  const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1)) as { sid: string };
  const heard: string[] = [];
  const post = (body: string[]) => fetch(`${url}&sid=${sid}`, { method: "POST", body: body.join("\x1e") });
  expect((await post(packets)).status).toBe(200);
  const poll = async () => void heard.push(...(await (await fetch(`${url}&sid=${sid}`)).text()).split("\x1e"));
  return { heard, poll, post };
}

describe("one connection", () => {
  it("has one of the sockets that it asks for at once, and is told why not the others", async () => {
    const client = await polling(Array.from({ length: 5 }, () => connect({ token })));
    while (client.heard.length < 5) await client.poll();
    expect(client.heard.filter((packet) => CONNECTED.test(packet))).toHaveLength(1);
    expect(client.heard.filter((packet) => REFUSED.test(packet))).toHaveLength(4);
    expect(sockets()).toBe(1);
    await client.post([ask(7)]);
    await client.poll();
    expect(client.heard.at(-1)).toBe("437[null,null]");
    await client.post(["1"]);
  });

  it("is closed when it asks for another socket later", async () => {
    const client = await raw();
    client.send(connect({ token }));
    await client.hears(CONNECTED);
    client.send(connect({ token }));
    await eventually(() => client.ws.readyState === WebSocket.CLOSED && sockets() === 0);
  });

  it("gets one after it was refused, and another when it has left that", async () => {
    const client = await raw();
    client.send(connect({ token: "x" }), connect({}));
    await client.hears(/^44\{/, 2);
    client.send(connect({ token }));
    await client.hears(CONNECTED);
    client.send("41");
    await eventually(() => sockets() === 0);
    client.send(connect({ token }));
    await client.hears(CONNECTED, 2);
    client.send(ask(1));
    await client.hears(/^431\[null,null\]$/);
  });

  it.each([
    ["a token that is not good", connect({ token: "x" }), /^44\{/],
    ["another namespace", "40/x,", /^44\/x,/],
  ])("is closed after five handshakes in vain with %s", async (_, handshake, refused) => {
    const client = await raw();
    for (let n = 0; n < 5; n++) client.send(handshake);
    await client.hears(refused, 5);
    expect(client.ws.readyState).toBe(WebSocket.OPEN);
    client.send(handshake);
    await eventually(() => client.ws.readyState === WebSocket.CLOSED, 2000);
  });

  it("is closed some time after its socket was left, unless there is another by then", async () => {
    const [left, back] = await Promise.all([raw(), raw()]);
    const { metrics } = nodeOf(shop.broker);
    const transports = async () => (await metrics.socketTransports.samples()).map(({ value }) => value);
    for (const client of [left, back]) {
      client.send(connect({ token }));
      await client.hears(CONNECTED);
      client.send("41");
    }
    await eventually(() => sockets() === 0);
    expect(await transports()).toEqual([2, 0]);
    back.send(connect({ token }));
    await eventually(() => left.ws.readyState === WebSocket.CLOSED, 8000);
    expect(await transports()).toEqual([1, 0]);
    back.send(ask(1));
    await back.hears(/^431\[null,null\]$/);
  });
});

it.each(["with a socket", "without one"])(
  "lets a client %s go that asks on and on and reads no answer",
  async (which) => {
    const client = open(shop.url, which === "with a socket" ? token : "x", { autoConnect: false });
    const kept = await connected(open(shop.url, token));
    client.connect();
    const { engine } = client.io;
    await new Promise<void>((resolve) => engine.once("open", () => resolve()));
    if (which === "with a socket") await connected(client);
    const { ws } = engine.transport as unknown as { ws: { pause(): void } };
    ws.pause();
    const { io } = shop.broker.getLocalService("api") as unknown as { io: Server };
    const clients = () => (io.engine as unknown as { clientsCount: number }).clientsCount;
    expect(clients()).toBe(2);
    await eventually(() => {
      for (let n = 0; n < 500; n++) engine.write(`0/${"x".repeat(1000)},`);
      return clients() === 1;
    }, 8000);
    expect(await call(kept, "chat.typing", { conversationId: "c1", typing: false })).toBeNull();
    kept.disconnect();
  },
);
