import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { freePorts } from "../../lib/infra/ports";
import { balancerContract } from "../integration/balancer.contract";
import { KUBERNETES, startNginx } from "./nginx";
import { withTools } from "./tools";

/** A gateway that says what it was asked. */
async function echo(seen: IncomingMessage[]): Promise<Server> {
  const server = createServer((request, response) => {
    seen.push(request);
    response.end("here");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

withTools(["nginx"], "deploy/nginx/nginx.conf", () => {
  describe("before real gateways", () => {
    balancerContract(async (targets) => {
      const nginx = await startNginx(targets);
      return { url: nginx.url, stop: () => nginx.stop() };
    });
  });

  it("answers as the shop does when no gateway is there", async () => {
    const [nobody = 0] = await freePorts(1);
    const nginx = await startNginx([nobody]);
    try {
      const answer = await fetch(`${nginx.url}/api/v1/products`);
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(await answer.json()).toMatchObject({
        status: 503,
        code: "SERVICE_UNAVAILABLE",
        requestId: expect.any(String),
      });
      expect((await fetch(`${nginx.url}/balancer/health`)).status).toBe(200);
    } finally {
      await nginx.stop();
    }
  });

  it("deals requests out, and tells gateways the client's address, not what it claims", async () => {
    const seen: IncomingMessage[][] = [[], []];
    const servers = await Promise.all(seen.map(echo));
    const nginx = await startNginx(servers.map((server) => (server.address() as AddressInfo).port));
    try {
      for (let n = 0; n < 8; n++)
        await fetch(`${nginx.url}/api/v1/products`, { headers: { "X-Forwarded-For": "203.0.113.9" } });
      // Each worker of nginx deals by itself.
      expect(seen.every((requests) => requests.length > 0)).toBe(true);
      expect(seen.flat().map(({ headers }) => headers["x-forwarded-for"])).toEqual(Array(8).fill("127.0.0.1"));
    } finally {
      await nginx.stop();
      for (const server of servers) server.close();
    }
  });

  it("on Kubernetes believes of whom a request comes what the ingress controller says last, and nothing before that", async () => {
    const seen: IncomingMessage[] = [];
    const server = await echo(seen);
    const nginx = await startNginx([(server.address() as AddressInfo).port], KUBERNETES);
    try {
      // As a client in the pods' network sends them, each with the address that the controller saw added.
      for (const forwarded of ["203.0.113.9, 10.1.2.3", "10.0.0.1, 203.0.113.9, 198.51.100.7", "192.168.0.9"])
        await fetch(`${nginx.url}/api/v1/products`, { headers: { "X-Forwarded-For": forwarded } });
      const told = seen.map(({ headers }) => headers["x-forwarded-for"]);
      expect(told).toEqual(["10.1.2.3", "198.51.100.7", "192.168.0.9"]);
    } finally {
      await nginx.stop();
      server.close();
    }
  });
});
