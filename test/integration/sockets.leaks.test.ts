import { EventEmitter, once } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { register } from "./auth.accounts";
import { eventually } from "./node";
import { type Gateway, StandIn, startShop } from "./sockets.parts";

const CYCLES = 2000;
const AT_ONCE = 20;
/** What garbage, caches and code that was compiled meanwhile may come to; a stream alone that stays has 5 kB. */
const MOST_PER_CYCLE = 1000;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const standIn = new StandIn();
let shop: Gateway;
let token: string;
beforeAll(async () => {
  shop = await startShop(standIn, { RATE_LIMIT: "off" });
  token = (await register(shop)).accessToken;
});
afterAll(() => shop.stop());

/** Comes over Socket.IO, asks for something, and is gone. */
async function socket(n: number): Promise<void> {
  const ws = new WebSocket(`${shop.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
  const heard = new EventEmitter();
  ws.addEventListener("message", ({ data }) => heard.emit(/^(0|40|430|44)/.exec(String(data))?.[0] ?? "other"));
  ws.addEventListener("close", () => heard.emit("close"));
  await once(heard, "0");
  ws.send(`40${JSON.stringify({ token })}`);
  if (n % 3 > 0) {
    await once(heard, "40");
    ws.send('420["call","chat.typing",{"conversationId":"c1","typing":true}]');
    if (n % 3 > 1) await once(heard, "430");
  }
  ws.close();
  await once(heard, "close");
}

/** Listens, for longer or shorter: some are gone before there is anything to hear. */
async function stream(n: number): Promise<void> {
  const aborting = new AbortController();
  const headers = { Authorization: `Bearer ${token}` };
  const answer = fetch(`${shop.url}/api/v1/stream`, { headers, signal: aborting.signal });
  if (n % 3 > 0) {
    const { body } = await answer;
    if (n % 3 > 1) await body?.getReader().read();
  }
  aborting.abort();
  await answer.catch(() => undefined);
}

it.each([
  ["sockets", socket],
  ["streams", stream],
])(
  "is left with nothing of %s that came and went",
  async (_, comeAndGo) => {
    const { server, io } = shop.broker.getLocalService("api") as unknown as {
      server: EventEmitter & { getConnections(callback: (error: unknown, count: number) => void): void };
      io: { engine: { clientsCount: number }; of(name: string): { adapter: { rooms: Map<string, unknown> } } };
    };
    const connections = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
    const cycle = async (count: number) => {
      for (let n = 0; n < count; n += AT_ONCE)
        await Promise.all(Array.from({ length: AT_ONCE }, (_, more) => comeAndGo(n + more)));
      await eventually(async () => standIn.connected.size === 0 && (await connections()) <= 1, 20_000);
      standIn.calls.length = 0;
    };
    const look = () => ({
      listeners: [server, process].map((one) => one.eventNames().map((name) => [name, one.listenerCount(name)])),
      rooms: io.of("/").adapter.rooms.size,
      clients: io.engine.clientsCount,
    });
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const memory = () => {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    await cycle(500);
    const [before, running, used] = [look(), timers(), memory()];
    await cycle(CYCLES);
    expect(look()).toEqual(before);
    expect((memory() - used) / CYCLES).toBeLessThan(MOST_PER_CYCLE);
    await eventually(() => timers() <= running + 20, 15_000);
  },
  240_000,
);
