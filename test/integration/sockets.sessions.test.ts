import { performance } from "node:perf_hooks";
import { type Account, claimsOf, metaOf, PASSWORD, register } from "./auth.accounts";
import { pass } from "./auth.clock";
import { eventually } from "./node";
import { call, connected, type Gateway, heard, open, StandIn, startSecond, startShop } from "./sockets.parts";

const standIn = new StandIn();
let shop: Gateway;
let second: Gateway;

beforeAll(async () => {
  shop = await startShop(standIn, { JWT_ACCESS_SECONDS: "5" });
  second = await startSecond(shop, { JWT_ACCESS_SECONDS: "5" });
});
afterAll(async () => {
  await second.stop();
  await shop.stop();
});

const refresh = (account: Account) => shop.as<Account>({}, "auth.refresh", { refreshToken: account.refreshToken });
const login = ({ user }: Account) =>
  shop.as<Account>({ clientIp: "192.0.2.1" }, "auth.login", { email: user.email, password: PASSWORD });

/** Waits until the socket is closed, having been told why, before its token would have ended anyway. */
async function endedAs(client: ReturnType<typeof open>): Promise<string> {
  const since = performance.now();
  const told = heard<{ reason: string }>(client, "session.ended");
  await heard(client, "disconnect");
  expect(performance.now() - since).toBeLessThan(4000);
  return (await told).reason;
}

describe.each(["the gateway beside auth", "a gateway that only polls"])("at %s", (which) => {
  const gateway = () => (which === "the gateway beside auth" ? shop : second);
  const connect = async (account: Account) => connected(open(gateway().url, account.accessToken));

  it("a logout closes the session's sockets, and no other", async () => {
    const account = await register(shop);
    const other = await login(account);
    const [client, kept] = await Promise.all([connect(account), connect(other)]);
    const ended = endedAs(client);
    await shop.as(metaOf(account), "auth.logout", { refreshToken: account.refreshToken });
    expect(await ended).toBe("logout");
    expect(kept.connected).toBe(true);
  });

  it("a new password closes the other sessions' sockets", async () => {
    const account = await register(shop);
    const other = await login(account);
    const [client, kept] = await Promise.all([connect(other), connect(account)]);
    const ended = endedAs(client);
    const passwords = { currentPassword: PASSWORD, newPassword: "another horse battery" };
    await shop.as(metaOf(account), "auth.changePassword", passwords);
    expect(await ended).toBe("password");
    expect(kept.connected).toBe(true);
  });

  it.each(["locked", "erased"] as const)("an account that is %s loses its sockets", async (reason) => {
    const account = await register(shop);
    const ended = endedAs(await connect(account));
    await shop.call("auth.endSessions", { userId: account.user.id, reason });
    expect(await ended).toBe(reason);
  });

  it("refuses a token of another account, and a bad one", async () => {
    const client = await connect(await register(shop));
    const { accessToken } = await register(shop);
    await expect(call(client, "auth.refresh", { token: accessToken })).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(call(client, "auth.refresh", { token: "x" })).rejects.toMatchObject({ code: "BAD_TOKEN" });
    await expect(call(client, "auth.refresh")).rejects.toMatchObject({ code: "VALIDATION" });
    expect(client.connected).toBe(true);
  });
});

it("a token's end closes its socket, and a new token keeps it, at each gateway", async () => {
  for (const { url } of [shop, second]) {
    const account = await register(shop);
    const connect = () => connected(open(url, account.accessToken));
    const [client, kept] = await Promise.all([connect(), connect()]);
    const ended = heard<{ reason: string }>(client, "session.ended");
    const renewed = await refresh(account);
    // The new one is issued in a later second than the first.
    pass((claimsOf(account).exp - 1) * 1000 - Date.now());
    const later = await refresh(renewed);
    expect(await call(kept, "auth.refresh", { token: later.accessToken })).toMatchObject({
      expiresAt: new Date(claimsOf(later).exp * 1000).toISOString(),
    });
    pass(1000);
    expect(await ended).toEqual({ reason: "expired" });
    expect(kept.connected).toBe(true);
  }
});

it("each gateway reaches its own sockets", async () => {
  const account = await register(shop);
  const [here, there] = await Promise.all(
    [shop, second].map(({ url }) => connected(open(url, account.accessToken, { transports: ["polling"] }))),
  );
  if (!here || !there) throw new Error("not connected");
  const reached = [here, there].map((client) => heard<{ n: number }>(client, "notification"));
  const to = { users: [account.user.id] };
  shop.deliver({ to, event: "notification", payload: { n: 1 } });
  second.deliver({ to, event: "notification", payload: { n: 2 } });
  expect(await Promise.all(reached)).toEqual([{ n: 1 }, { n: 2 }]);
});

it("finishes what it was asked, tells its sockets, and is gone in time", async () => {
  const standIn = new StandIn();
  const leaving = await startShop(standIn);
  const account = await register(leaving);
  const clients = await Promise.all(
    ["websocket", "polling"].map((transport) =>
      connected(open(leaving.url, account.accessToken, { transports: [transport] })),
    ),
  );
  const { promise: isLeaving, resolve: answer } = Promise.withResolvers<void>();
  standIn.before = async (action) => {
    if (action === "send") await isLeaving;
  };
  const told = clients.map((client) => heard<{ reason: string }>(client, "session.ended"));
  const gone = clients.map((client) => heard<string>(client, "disconnect"));
  const answers = clients.map((client, n) =>
    call(client, "chat.send", { conversationId: "c1", clientMsgId: `k${n}`, text: "a" }),
  );
  await eventually(() => standIn.made("send").length === 2);
  const since = performance.now();
  const gateway = leaving.broker.getLocalService("api");
  const left = gateway && leaving.broker.destroyService(gateway);
  // Whoever comes now is told at once, while the calls are still waited for.
  expect(await heard(open(leaving.url, account.accessToken), "session.ended")).toEqual({ reason: "shutdown" });
  answer();
  await left;
  expect(performance.now() - since).toBeLessThan(9000);
  expect(await Promise.all(answers)).toHaveLength(2);
  expect((await Promise.all(told)).map(({ reason }) => reason)).toEqual(["shutdown", "shutdown"]);
  // Anything but "io server disconnect": clients connect again by themselves.
  expect(await Promise.all(gone)).not.toContain("io server disconnect");
  expect(standIn.connected.size).toBe(0);
  await leaving.stop();
});

it("sends its clients elsewhere when it drains, and takes them again when it is called back", async () => {
  const drained = await startShop(new StandIn(), { DRAIN_MS: "10" });
  const account = await register(drained);
  const { accessToken: token } = account;
  const listening = await fetch(`${drained.url}/api/v1/stream`, { headers: { Authorization: `Bearer ${token}` } });
  const client = await connected(open(drained.url, token));
  const told = heard(client, "session.ended");
  await drained.call("$ops.drain", {});
  expect(await told).toEqual({ reason: "shutdown" });
  expect(await listening.text()).toContain("event:session.ended");
  expect(await heard(open(drained.url, token), "session.ended")).toEqual({ reason: "shutdown" });
  // What a balancer still sends here is answered, over a connection that it does not keep.
  const answer = await fetch(`${drained.url}/api/v1/users/me`, { headers: { Authorization: `Bearer ${token}` } });
  expect([answer.status, answer.headers.get("connection")]).toEqual([200, "close"]);

  await drained.call("$ops.undrain", {});
  const back = await connected(open(drained.url, token));
  expect(await call(back, "chat.send", { conversationId: "c1", clientMsgId: "k", text: "a" })).toMatchObject({
    id: "m1",
  });
  await drained.stop();
});
