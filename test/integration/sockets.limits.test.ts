import { register } from "./auth.accounts";
import { eventually } from "./node";
import { call, connected, type Gateway, heard, open, type Problem, StandIn, startShop } from "./sockets.parts";

const standIn = new StandIn();
let shop: Gateway;
afterEach(() => shop.stop());

it("lets a client go that does not read, and no other", async () => {
  shop = await startShop(standIn);
  const [slow, other] = await Promise.all([register(shop), register(shop)]);
  const client = await connected(open(shop.url, slow.accessToken));
  const kept = await connected(open(shop.url, other.accessToken));
  const { ws } = client.io.engine.transport as unknown as { ws: { pause(): void; resume(): void } };
  ws.pause();
  await eventually(() => standIn.connected.size === 2);
  await eventually(() => {
    for (let n = 0; n < 20; n++)
      shop.deliver({
        to: { users: [slow.user.id] },
        event: "notification",
        payload: { id: `n${n}`, text: "x".repeat(60_000) },
      });
    return standIn.connected.size === 1;
  }, 20_000);
  expect(kept.connected).toBe(true);
});

it("limits calls by socket, and says when to come again", async () => {
  shop = await startShop(standIn);
  const { accessToken } = await register(shop);
  const client = await connected(open(shop.url, accessToken));
  const burst = (count: number) =>
    Array.from({ length: count }, () =>
      call(client, "chat.open", {}).then(
        () => "ok",
        ({ code, retryAfter }: Problem & { retryAfter?: number }) => `${code} ${typeof retryAfter}`,
      ),
    );
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  standIn.before = () => answered;
  const atOnce = burst(140);
  // All before it are under way: calls are taken in their order.
  expect(await atOnce.at(-1)).toBe("TOO_MANY_CALLS number");
  answer();
  expect(new Set(await Promise.all(atOnce))).toEqual(new Set(["ok", "TOO_MANY_CALLS number"]));
  standIn.before = () => undefined;
  expect(new Set(await Promise.all(burst(40)))).toEqual(new Set(["ok", "RATE_LIMITED number"]));
  expect(client.connected).toBe(true);
});

it("closes a socket that goes on asking too much, not one that asks a lot at once", async () => {
  shop = await startShop(standIn);
  const [loud, busy] = await Promise.all([register(shop), register(shop)]);
  const flooding = await connected(open(shop.url, loud.accessToken));
  const client = await connected(open(shop.url, busy.accessToken));
  const closed = heard(flooding, "disconnect");
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  standIn.before = (action) => (action === "typing" ? answered : undefined);
  const typing = { conversationId: "c1", typing: true };
  const asked = Array.from({ length: 200 }, () => call(client, "chat.typing", typing).catch(({ code }) => code));
  const codes: string[] = [];
  for (let n = 0; n < 1000; n++)
    flooding.emit("call", "chat.typing", typing, (problem: Problem | null) => codes.push(problem?.code ?? "ok"));
  expect(await closed).toBe("transport close");
  expect(codes).toEqual(Array.from({ length: 200 }, () => "TOO_MANY_CALLS"));
  answer();
  expect(new Set(await Promise.all(asked))).toEqual(new Set([null, "TOO_MANY_CALLS"]));
  expect(client.connected).toBe(true);
  standIn.before = () => undefined;
});

it("works while chat is away, and tells it of who is there when it is back", async () => {
  shop = await startShop(standIn);
  const { accessToken, user } = await register(shop);
  const chat = shop.broker.getLocalService("chat");
  if (chat) await shop.broker.destroyService(chat);
  const client = await connected(open(shop.url, accessToken));
  await expect(call(client, "chat.typing", { conversationId: "c1", typing: true })).rejects.toMatchObject({
    status: 503,
  });
  const told = heard(client, "notification");
  shop.deliver({ to: { users: [user.id] }, event: "notification", payload: { id: "n1" } });
  expect(await told).toEqual({ id: "n1" });
  shop.broker.createService(standIn.chat(shop.broker));
  await eventually(() => standIn.connected.get(client.id ?? "") === user.id, 15_000);
});
