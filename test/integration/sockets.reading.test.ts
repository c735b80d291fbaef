import type { Socket } from "socket.io-client";
import { nodeOf } from "../../lib/node";
import { register } from "./auth.accounts";
import { eventually } from "./node";
import { call, connected, type Gateway, open, StandIn, startShop } from "./sockets.parts";

/** Two of them are more than a client may leave unread. */
const ANSWER_BYTES = 700_000;

let standIn: StandIn;
let shop: Gateway;
let client: Socket;
beforeEach(async () => {
  standIn = new StandIn();
  shop = await startShop(standIn);
  client = await connected(open(shop.url, (await register(shop)).accessToken));
});
afterEach(() => shop.stop());

const sync = () => call<{ messages: unknown[] }>(client, "chat.sync", { cursors: { c1: 0 } });
const asked = () => standIn.made("sync").length;

it("runs few long calls at once, and the others in their turn", async () => {
  let running = 0;
  let most = 0;
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  standIn.before = async (action) => {
    if (action !== "sync") return;
    most = Math.max(most, ++running);
    await answered;
    running--;
  };
  const answers = Array.from({ length: 90 }, sync);
  await eventually(() => running === 4);
  expect(await call(client, "chat.typing", { conversationId: "c1", typing: true })).toBeNull();
  answer();
  expect(await Promise.all(answers)).toHaveLength(90);
  expect(most).toBe(4);
});

it("begins no waiting call of a socket that is gone", async () => {
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  standIn.before = (action) => (action === "sync" ? answered : undefined);
  for (let n = 0; n < 12; n++) void sync();
  await eventually(() => asked() === 4);
  client.disconnect();
  await eventually(() => standIn.connected.size === 0);
  answer();
  const given = async () => {
    const { values } = await nodeOf(shop.broker).metrics.socketCalls.get();
    return values.find(({ labels: { outcome } }) => outcome === "DISCONNECTED")?.value;
  };
  await eventually(async () => (await given()) === 8);
  expect(asked()).toBe(4);
});

it("fetches for a client no more than it reads, and all when it reads on", async () => {
  standIn.messages = [{ conversationId: "c1", seq: 1, text: "x".repeat(ANSWER_BYTES) }];
  const { ws } = client.io.engine.transport as unknown as { ws: { pause(): void; resume(): void } };
  ws.pause();
  const answers = Array.from({ length: 60 }, sync);
  let before = -1;
  let same = 0;
  await eventually(() => {
    same = asked() === before ? same + 1 : 0;
    before = asked();
    return before > 0 && same > 20;
  });
  expect(asked()).toBeLessThan(30);
  ws.resume();
  for (const { messages } of await Promise.all(answers)) expect(messages).toHaveLength(1);
  expect(client.connected).toBe(true);
}, 30_000);
