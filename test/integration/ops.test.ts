import type { ServiceBroker, ServiceSchema } from "moleculer";
import { action } from "../../lib/actions";
import { newId } from "../../lib/ids";
import { nodeOf } from "../../lib/node";
import { Strict, Type } from "../../lib/schema";
import { version } from "../../package.json";
import type { NodeView, ServiceView } from "../../services/api/ops.schema";
import { bearer, node as gateway, get, problem, startGateway, tokenFor } from "./gateway.parts";
import { eventually, startNode, type TestNode } from "./node";

const NAMESPACE = newId();
const FAKE = { transporter: "Fake" as const };
const admin = bearer(tokenFor(["admin"]));

/** What holds up or fails the work of the nodes, and who did some. */
const lab = { held: [] as (() => void)[], isHolding: false, fails: false };

const worker = (broker: ServiceBroker): ServiceSchema => ({
  name: "worker",
  settings: { rest: "/" },
  actions: {
    work: action({
      rest: "GET /work",
      access: "anyone",
      params: Strict({}),
      returns: Type.Unknown(),
      async handler() {
        if (lab.fails) throw new Error("cannot work");
        if (lab.isHolding) await new Promise<void>((resolve) => lab.held.push(resolve));
        return { by: broker.nodeID };
      },
    }),
  },
});

const workers: TestNode[] = [];
async function startWorker(id: string, started?: () => Promise<void>): Promise<TestNode> {
  const service = (broker: ServiceBroker) => ({ ...worker(broker), ...(started && { started }) });
  const made = await startNode([service], { NAMESPACE, NODE_ID: id, DRAIN_MS: "10" }, FAKE);
  workers.push(made);
  return made;
}

async function nodes(): Promise<NodeView[]> {
  return ((await (await get("/api/v1/ops/nodes", admin)).json()) as { items: NodeView[] }).items;
}
const stateOf = async (id: string) => (await nodes()).find((one) => one.id === id)?.state;

async function work(): Promise<ServiceView["actions"][number]> {
  const { items } = (await (await get("/api/v1/ops/services", admin)).json()) as { items: ServiceView[] };
  const found = items.find(({ name }) => name === "worker")?.actions.find(({ name }) => name === "worker.work");
  if (!found) throw new Error(JSON.stringify(items));
  return found;
}

const ask = async () => {
  const answer = await get("/api/v1/work");
  return { status: answer.status, by: ((await answer.json()) as { by?: string }).by };
};
const isServed = (by: string) => eventually(async () => (await ask()).by === by);

beforeEach(async () => {
  Object.assign(lab, { held: [], isHolding: false, fails: false });
  await startGateway({ NAMESPACE, NODE_ID: "gateway" }, FAKE);
});
afterEach(async () => {
  lab.isHolding = false;
  for (const go of lab.held) go();
  await Promise.all([gateway, ...workers.splice(0)].map((one) => one.stop()));
});

it("lists the nodes that discovery knows, those that start as well", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const starting = startWorker("slow", () => promise);
  await eventually(async () => (await stateOf("slow")) === "starting");
  resolve();
  await starting;
  await eventually(async () => (await stateOf("slow")) === "running");
  const [first, second] = await nodes();
  expect(first).toMatchObject({ id: "gateway", services: ["api", "auth", "sample"], cpu: expect.any(Number) });
  expect(second).toEqual({
    id: "slow",
    hostname: expect.stringMatching(/./),
    state: "running",
    version,
    services: ["worker"],
    uptime: expect.any(Number),
    cpu: null,
    lastHeartbeat: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  expect(Math.abs((second?.uptime ?? 0) - process.uptime())).toBeLessThan(3);
  expect(Math.abs(Date.parse(second?.lastHeartbeat ?? "") - Date.now())).toBeLessThan(3000);
});

it("tells of a node that died, and not of one that was told to end", async () => {
  const [dead, ended] = await Promise.all([startWorker("dead"), startWorker("ended")]);
  await isServed("ended");
  await ended.call("$ops.drain", {});
  await eventually(async () => (await stateOf("ended")) === "draining");
  await ended.broker.stop();
  await eventually(async () => (await stateOf("ended")) === undefined);
  // Nothing is heard of it any more, and this gateway's patience is over.
  await (dead.broker.transit as unknown as { tx: { disconnect(): Promise<void> } }).tx.disconnect();
  gateway.broker.registry.nodes.disconnected("dead", true);
  expect(await stateOf("dead")).toBe("offline");
});

it("is for admins alone", async () => {
  for (const path of ["/api/v1/ops/nodes", "/api/v1/ops/services"]) {
    expect(await problem(await get(path))).toBe("401 UNAUTHENTICATED");
    expect(await problem(await get(path, bearer(tokenFor(["customer", "agent"]))))).toBe("403 FORBIDDEN");
  }
  expect(await problem(await get("/api/v1/$ops/resilience", admin))).toBe("404 NOT_FOUND");
});

it("lists services with their actions, what applies to those and how they are doing", async () => {
  const { broker } = await startWorker("a");
  await isServed("a");
  lab.isHolding = true;
  const asked = ask();
  await eventually(() => lab.held.length === 1);
  const seen = await work();
  expect(seen).toEqual({
    name: "worker.work",
    timeout: 5000,
    retries: 0,
    breaker: { enabled: true, threshold: 0.5, minCalls: 20, windowMs: 30_000, openMs: 3000 },
    bulkhead: { concurrency: 200, queue: 2000 },
    fallback: false,
    nodes: [
      {
        id: "a",
        inFlight: 1,
        queued: 0,
        calls: { ok: 1, refused: 0, failed: 0 },
        circuit: "closed",
        circuitOpenFor: [],
      },
    ],
  });
  // A second call finds no room.
  const rule = { actions: "worker.work", bulkhead: { concurrency: 1, queue: 1 } };
  const values = { application: { "resilience.policies": [rule] } };
  nodeOf(broker).config.update({ version: 1, etag: "one", values });
  const [queued] = [ask()];
  await eventually(async () => (await work()).nodes[0]?.queued === 1);
  expect((await ask()).status).toBe(503);
  expect(await nodeOf(broker).metrics.registry.metrics()).toMatch(
    /^shop_action_in_flight\{action="worker.work"\} 1$(.|\n)*^shop_action_queued\{action="worker.work"\} 1$/m,
  );
  lab.isHolding = false;
  for (const go of lab.held.splice(0)) go();
  expect((await Promise.all([asked, queued])).map(({ status }) => status)).toEqual([200, 200]);
  expect((await work()).nodes[0]).toMatchObject({ inFlight: 0, queued: 0, calls: { ok: 3 } });
});

it("tells whose circuit is open, and forgets it with the node", async () => {
  const { broker } = await startWorker("a");
  await isServed("a");
  lab.fails = true;
  await Promise.all(Array.from({ length: 25 }, ask));
  const [at] = (await work()).nodes;
  expect(at).toMatchObject({ circuit: "open", circuitOpenFor: expect.arrayContaining(["gateway"]) });
  expect(at?.calls.failed).toBeGreaterThan(10);
  const figures = () => nodeOf(gateway.broker).metrics.registry.metrics();
  expect(await figures()).toContain('shop_circuits_open{action="worker.work"} 1');
  expect(await figures()).toContain('shop_circuits_opened_total{action="worker.work"} 1');
  await broker.stop();
  await eventually(async () => !(await figures()).includes('shop_circuits_open{action="worker.work"}'));
});

it("sends no calls to a node that drains, which finishes what it has and can be called back", async () => {
  const [a, b] = await Promise.all([startWorker("a"), startWorker("b")]);
  await isServed("a");
  await isServed("b");
  lab.isHolding = true;
  const asked = [ask(), ask()];
  await eventually(() => lab.held.length === 2);
  const drained = await gateway.call("$ops.drain", {}, { nodeID: "a" });
  expect(drained).toEqual({ id: "a", state: "draining" });
  lab.isHolding = false;
  await eventually(async () => (await stateOf("a")) === "draining");
  expect(await nodeOf(a.broker).health.readiness()).toEqual({ status: "unavailable", missing: [] });
  expect((await Promise.all(Array.from({ length: 6 }, ask))).map(({ by }) => by)).toEqual(Array(6).fill("b"));
  for (const go of lab.held.splice(0)) go();
  expect((await Promise.all(asked)).map(({ by }) => by).sort()).toEqual(["a", "b"]);

  await gateway.call("$ops.undrain", {}, { nodeID: "a" });
  await isServed("a");
  expect(await nodeOf(a.broker).health.readiness()).toEqual({ status: "ok", missing: [] });
  // Also when nobody else is there, and one that was told to end does not come back.
  await b.call("$ops.drain", {});
  nodeOf(a.broker).health.isEnding = true;
  await a.call("$ops.drain", {});
  await eventually(async () => (await ask()).status === 503);
  await expect(a.call("$ops.undrain", {})).rejects.toMatchObject({ type: "NODE_ENDING" });
});
