import { once } from "node:events";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type Balancer, balance } from "../../lib/infra/balancer";
import { freePorts } from "../../lib/infra/ports";

let targets: Server[] = [];
let balancer: Balancer | undefined;
afterEach(() => {
  balancer?.close();
  balancer?.destroy();
  for (const target of targets) target.closeAllConnections();
  for (const target of targets) target.close();
  targets = [];
});

async function target(name: string, isLeaving: () => boolean = () => false): Promise<number> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (_req, res) => {
    if (isLeaving()) res.setHeader("Connection", "close");
    res.end(name);
  });
  targets.push(server.listen(0));
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Each over a connection of its own, as clients come anew. */
async function asked(count: number, headers: Record<string, string> = {}): Promise<string[]> {
  const names: string[] = [];
  for (let i = 0; i < count; i++) {
    const asking = request({ port: balancer?.port, host: "127.0.0.1", agent: false, headers });
    const answered = once(asking, "response");
    asking.end();
    const [answer] = (await answered) as [AsyncIterable<Buffer>];
    let body = "";
    for await (const chunk of answer) body += chunk;
    names.push(body);
  }
  return names;
}

const KEEPING = { Connection: "keep-alive" };

it("goes to others once a target says that it leaves, and to that one where there is no other", async () => {
  let bothLeave = false;
  const ports = [await target("a", () => true), await target("b", () => bothLeave)];
  const [port = 0] = await freePorts(1);
  balancer = await balance(port, ports);
  expect(await asked(6, KEEPING)).toEqual(["a", "b", "b", "b", "b", "b"]);
  bothLeave = true;
  expect(new Set(await asked(6, KEEPING))).toEqual(new Set(["a", "b"]));
});

it("does not take a client that wants no other answer for a target that leaves", async () => {
  const ports = [await target("a"), await target("b")];
  const [port = 0] = await freePorts(1);
  balancer = await balance(port, ports);
  expect(await asked(4, { Connection: "close" })).toEqual(["a", "b", "a", "b"]);
});

it("closes a connection to a target that is idle before the target would", async () => {
  const [port = 0] = await freePorts(1);
  balancer = await balance(port, [await target("a")]);
  const connected = once(targets[0] as Server, "connection") as Promise<[Socket]>;
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  await answer.text();
  const [socket] = await connected;
  const since = performance.now();
  await once(socket, "close");
  expect(performance.now() - since).toBeLessThan(900);
});
