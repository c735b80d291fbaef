import type { AddressInfo } from "node:net";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import apiService from "../../services/api/api.service";
import authService from "../../services/auth/auth.service";
import userService from "../../services/user/user.service";
import { register } from "./auth.accounts";
import { eventually, startNode, type TestNode } from "./node";

let issuing: TestNode;
let gateway: TestNode;

/** Stands for the cluster: what the gateway asks of auth, the other node answers. */
const remoteAuth = (_: ServiceBroker): ServiceSchema => ({
  name: "auth",
  actions: {
    jwks: () => issuing.call("auth.jwks", {}),
    revocations: (ctx: { params: { since: string } }) => issuing.call("auth.revocations", ctx.params),
  },
});

beforeAll(async () => {
  issuing = await startNode([authService, userService], { PORT: "4000" });
  gateway = await startNode([remoteAuth, userService, apiService], { PORT: "0" });
});
afterAll(async () => {
  await gateway.stop();
  await issuing.stop();
});

it("takes the token of a node that has another port", async () => {
  const { accessToken } = await register(issuing);
  const { server } = gateway.broker.getLocalService("api") as unknown as { server: { address(): AddressInfo } };
  const me = () =>
    fetch(`http://127.0.0.1:${server.address().port}/api/v1/users/me`, {
      headers: { Authorization: `Bearer ${accessToken}` },
    });
  // The route is there a moment after the service; this user is the other node's, so there is none of that id here.
  const answer = await eventually(async () => {
    const { code } = (await (await me()).json()) as { code: string };
    return code !== "NOT_FOUND" && code;
  });
  expect(answer).toBe("USER_NOT_FOUND");
});
