import { freePorts } from "../../lib/infra/ports";
import { register } from "./auth.accounts";
import { eventually } from "./node";
import { call, connected, type Gateway, open, StandIn, startSecond, startShop } from "./sockets.parts";

export interface Balancing {
  url: string;
  stop(): Promise<unknown>;
}

/** What clients can rely on, whichever balancer stands before several gateways. */
export function balancerContract(start: (targets: number[]) => Promise<Balancing>): void {
  const standIn = new StandIn();
  let shop: Gateway;
  let second: Gateway;
  let balancer: Balancing | undefined;
  let url: string;

  beforeAll(async () => {
    shop = await startShop(standIn, { TRUSTED_PROXIES: "loopback" });
    second = await startSecond(shop, { TRUSTED_PROXIES: "loopback" });
    const [nobody = 0] = await freePorts(1);
    const ports = [shop, second].map((gateway) => Number(new URL(gateway.url).port));
    // One of the targets is down.
    balancer = await start([...ports, nobody]);
    url = balancer.url;
  });
  afterAll(async () => {
    await balancer?.stop();
    await second.stop();
    await shop.stop();
  });

  it("keeps each client that polls with its gateway, whatever connections it uses", async () => {
    const account = await register(shop);
    const clients = await Promise.all(
      Array.from({ length: 8 }, () => connected(open(url, account.accessToken, { transports: ["polling"] }))),
    );
    for (let round = 0; round < 5; round++)
      await Promise.all(
        clients.map((client) =>
          call(client, "chat.typing", { conversationId: "c1", typing: true }).catch((error: { code: string }) =>
            // The second gateway's chat stands for the first's and has no such action.
            expect(error.code).toBe("SERVICE_UNAVAILABLE"),
          ),
        ),
      );
    expect(clients.every((client) => client.connected)).toBe(true);
  });

  it("passes WebSockets, from the start and after polling", async () => {
    const account = await register(shop);
    const direct = await connected(open(url, account.accessToken));
    expect(direct.io.engine.transport.name).toBe("websocket");
    const clients = await Promise.all(
      Array.from({ length: 6 }, () =>
        connected(open(url, account.accessToken, { transports: ["polling", "websocket"] })),
      ),
    );
    await eventually(() => clients.every(({ io }) => io.engine.transport.name === "websocket"));
  });

  it("passes requests with bodies, refused ones, and what goes on", async () => {
    const account = await register(shop);
    const headers = { Authorization: `Bearer ${account.accessToken}`, "Content-Type": "application/json" };
    for (let n = 0; n < 6; n++) {
      const refused = await fetch(`${url}/api/v1/stream/tickets`, {
        method: "POST",
        headers,
        body: '{"a":1}',
      });
      expect(refused.status).toBe(422);
      const made = await fetch(`${url}/api/v1/stream/tickets`, { method: "POST", headers });
      expect(made.status).toBe(201);
      const aborting = new AbortController();
      const stream = await fetch(`${url}/api/v1/stream`, { headers, signal: aborting.signal });
      expect(stream.status).toBe(200);
      const first = await stream.body?.getReader().read();
      expect(Buffer.from(first?.value ?? []).toString()).toMatch(/^retry:/);
      aborting.abort();
    }
  });
}
