import { freePorts } from "../../lib/infra/ports";
import apiService from "../../services/api/api.service";
import authService from "../../services/auth/auth.service";
import notificationService from "../../services/notification/notification.service";
import userService from "../../services/user/user.service";
import { NEW_PASSWORD, recovering, tokenFor } from "../e2e/recovering";
import { expectStatus, Shop } from "../e2e/shop";
import { eventually, startNode, type TestNode } from "../integration/node";
import { MailServer } from "../integration/notification.parts";
import { connected, heard, open } from "../integration/sockets.parts";
import { withServers } from "./servers";

withServers(["nats", "mongo", "redis", "kafka"], "an account at two nodes", (env) => {
  const server = new MailServer();
  let nodes: TestNode[] = [];
  let here: Shop;
  let there: Shop;

  beforeAll(async () => {
    await server.start();
    const [first = 0, second = 0] = await freePorts(2);
    const common = { ...env, SMTP_URL: server.url, LEASE_MS: "500", RATE_LIMIT: "off" };
    const services = [authService, userService, notificationService, apiService];
    nodes = [
      await startNode(services, { ...common, PORT: String(first) }),
      await startNode(services, { ...common, PORT: String(second) }),
    ];
    here = new Shop(`http://127.0.0.1:${first}`);
    there = new Shop(`http://127.0.0.1:${second}`);
    for (const shop of [here, there])
      await eventually(async () => (await shop.call("GET", "/users/me")).status === 401, 20_000);
  }, 90_000);
  afterAll(async () => {
    for (const node of nodes) await node.stop();
    await server.stop();
  }, 30_000);

  recovering(
    () => here,
    (address) => server.at(address),
  );

  it("is out at the other within a second of a password that was set by mail", async () => {
    const customer = await there.register();
    const client = await connected(open(there.origin, customer.accessToken));
    const [told, gone] = [heard<{ reason: string }>(client, "session.ended"), heard(client, "disconnect")];
    await here.call("POST", "/auth/password/forgot", { body: { email: customer.user.email } });
    const token = await tokenFor(() => server.at(customer.user.email), "/reset-password");
    const resets = [here, there].map((shop) =>
      shop.call("POST", "/auth/password/reset", { body: { token, newPassword: NEW_PASSWORD } }),
    );
    const statuses = (await Promise.all(resets)).map(({ status }) => status);
    const since = performance.now();
    expect(statuses.sort()).toEqual([204, 400]);
    await gone;
    expect(performance.now() - since).toBeLessThan(1000);
    expect(await told).toEqual({ reason: "password" });
    expectStatus(await there.call("GET", "/users/me", { token: customer.accessToken }), 401);
    await there.login(customer.user.email, NEW_PASSWORD);
  }, 60_000);
});
