import type { ServiceBroker, ServiceSchema } from "moleculer";
import { freePorts } from "../../lib/infra/ports";
import apiService from "../../services/api/api.service";
import authService from "../../services/auth/auth.service";
import userService from "../../services/user/user.service";
import { expectStatus, PASSWORD, Shop, type Tokens } from "../e2e/shop";
import { claimsOf } from "../integration/auth.accounts";
import { eventually, startNode, type TestNode } from "../integration/node";
import { connected, heard, open, StandIn } from "../integration/sockets.parts";
import { bearer, type Listening, listen } from "../integration/stream.parts";
import { withServers } from "./servers";

/** A gateway that never hears the broadcast, as one whose connection to NATS broke at that moment: it has its polls. */
function deafApi(broker: ServiceBroker): ServiceSchema {
  const { events = {}, ...schema } = apiService(broker);
  return { ...schema, events: { ...events, "auth.revoked": () => undefined } };
}

const WITHIN_MS = 1000;
const gateways = ["the gateway beside auth", "one over NATS", "one that missed the broadcast"];

withServers(["nats", "mongo"], "what ended is out on every node within a second", (env) => {
  const standIn = new StandIn();
  let nodes: TestNode[] = [];
  let shops: Shop[] = [];
  let first: Shop;

  beforeAll(async () => {
    const ports = await freePorts(3);
    const common = { ...env, RATE_LIMIT: "off" };
    const hosted = [
      [authService, userService, standIn.chat, standIn.notification, apiService],
      [apiService],
      [deafApi],
    ];
    for (const [n, services] of hosted.entries())
      nodes.push(await startNode(services, { ...common, PORT: String(ports[n]) }));
    shops = ports.map((port) => new Shop(`http://127.0.0.1:${port}`));
    [first = new Shop("")] = shops;
    for (const shop of shops)
      await eventually(async () => (await shop.call("GET", "/auth/sessions")).status === 401, 20_000);
  }, 90_000);
  afterAll(async () => {
    for (const node of nodes.toReversed()) await node.stop();
    nodes = [];
  }, 30_000);

  const login = ({ user }: Tokens) => first.login(user.email, PASSWORD);
  const mailedToken = ({ user }: Tokens) =>
    (nodes[0] as TestNode).as<{ token: string }>({}, "auth.mailToken", {
      ...{ userId: user.id, email: user.email, kind: "password.reset", requestedAt: new Date().toISOString() },
    });

  interface Present {
    name: string;
    reason: Promise<string>;
    gone: () => Promise<boolean>;
    here: () => Promise<boolean>;
  }

  /** A session in use at every gateway: requests, a socket and a stream. */
  async function present({ accessToken: token }: Tokens): Promise<Present[]> {
    return Promise.all(
      shops.map(async (shop, n) => {
        const status = async () => (await shop.call("GET", "/users/me", { token })).status;
        expect(await status()).toBe(200);
        const socket = await connected(open(shop.origin, token));
        const stream: Listening = await listen({ url: shop.origin }, "", bearer(token));
        return {
          name: gateways[n] ?? "",
          reason: heard<{ reason: string }>(socket, "session.ended").then(({ reason }) => reason),
          gone: async () => !socket.connected && stream.closed && (await status()) === 401,
          here: async () => socket.connected && !stream.closed && (await status()) === 200,
        };
      }),
    );
  }

  /** Each gateway's time from now until nothing of the session is left there. */
  async function out(presences: Present[]): Promise<Record<string, string>> {
    const reasons = await Promise.all(
      presences.map(async ({ name, gone, reason }) => {
        await eventually(gone, WITHIN_MS);
        return [name, await reason];
      }),
    );
    return Object.fromEntries(reasons);
  }
  const everywhere = (reason: string) => Object.fromEntries(gateways.map((name) => [name, reason]));

  async function two() {
    const own = await first.register();
    const other = await login(own);
    return { own, other, ended: await present(other), kept: await present(own) };
  }
  const stays = async (presences: Present[]) => {
    for (const { here } of presences) expect(await here()).toBe(true);
  };

  it("one session that is ended from another", async () => {
    const { own, other, ended, kept } = await two();
    const path = `/auth/sessions/${claimsOf(other).sid}`;
    expectStatus(await first.call("DELETE", path, { token: own.accessToken }), 204);
    expect(await out(ended)).toEqual(everywhere("revoked"));
    await stays(kept);
  }, 30_000);

  it("all sessions, the one that asked too", async () => {
    const { own, ended, kept } = await two();
    expectStatus(await first.call("DELETE", "/auth/sessions", { token: own.accessToken }), 204);
    expect(await out([...ended, ...kept])).toEqual(everywhere("revoked"));
    expect((await login(own)).user.id).toBe(own.user.id);
  }, 30_000);

  it("a session that is left by a logout", async () => {
    const { other, ended, kept } = await two();
    const { accessToken: token, refreshToken } = other;
    expectStatus(await first.call("POST", "/auth/logout", { token, body: { refreshToken } }), 204);
    expect(await out(ended)).toEqual(everywhere("logout"));
    await stays(kept);
  }, 30_000);

  it("the other sessions after a new password", async () => {
    const { own, ended, kept } = await two();
    const body = { currentPassword: PASSWORD, newPassword: "another horse battery" };
    expectStatus(await first.call("POST", "/auth/password", { token: own.accessToken, body }), 204);
    expect(await out(ended)).toEqual(everywhere("password"));
    await stays(kept);
  }, 30_000);

  it("every session after a password that was set by a mailed link", async () => {
    const { own, ended, kept } = await two();
    const { token } = await mailedToken(own);
    const body = { token, newPassword: "another horse battery" };
    expectStatus(await first.call("POST", "/auth/password/reset", { body }), 204);
    expect(await out([...ended, ...kept])).toEqual(everywhere("password"));
  }, 30_000);
});
