import type { ServiceBroker, ServiceSchema } from "moleculer";
import { action } from "../../lib/actions";
import { nodeOf } from "../../lib/node";
import type { PolicyRules } from "../../lib/policies";
import { Strict, Type } from "../../lib/schema";
import configService from "../../services/config/config.service";
import { Cluster } from "./config.parts";
import { eventually } from "./node";

/** What the workers do: `fail` names a node. */
const lab = { ran: [] as string[], held: [] as (() => void)[], isHolding: false, fail: "" };

const worker = (broker: ServiceBroker): ServiceSchema => {
  async function handler() {
    lab.ran.push(broker.nodeID);
    if (lab.fail === broker.nodeID) throw new Error("cannot work");
    if (lab.isHolding) await new Promise<void>((resolve) => lab.held.push(resolve));
    return broker.nodeID;
  }
  return {
    name: "worker",
    actions: {
      write: action({ params: Strict({}), returns: Type.Unknown(), handler }),
      read: action({ params: Strict({}), returns: Type.Unknown(), retryable: true, handler }),
    },
  };
};

let cluster: Cluster;
let desk: Awaited<ReturnType<Cluster["start"]>>;
const nodes = new Map<string, ServiceBroker>();
const ask = (name = "worker.write", options = {}) => desk.broker.call<string, object>(name, {}, options);
const asks = (count: number, name?: string) => Promise.allSettled(Array.from({ length: count }, () => ask(name)));

/** Resolves once the settings hold on every node. */
async function set(...rules: PolicyRules): Promise<void> {
  const { version } = await desk.put("application", { "resilience.policies": rules });
  const all = [desk.broker, ...nodes.values()];
  await eventually(() => all.every((broker) => nodeOf(broker).config.version === version), 2000);
}

beforeEach(async () => {
  Object.assign(lab, { ran: [], held: [], isHolding: false, fail: "" });
  cluster = new Cluster();
  desk = await cluster.start([configService], { NODE_ID: "desk" });
  for (const id of ["a", "b"]) nodes.set(id, (await cluster.start([worker], { NODE_ID: id })).broker);
  const isThere = () => desk.broker.registry.actions.get("worker.write")?.endpoints.length === 2;
  await eventually(isThere);
});
afterEach(async () => {
  for (const go of lab.held) go();
  await cluster.end();
});

it("changes live how many calls of an action run and wait", async () => {
  await set({ actions: "worker.write", bulkhead: { concurrency: 1, queue: 0 } });
  lab.isHolding = true;
  const taken = [ask(), ask()];
  await eventually(() => lab.held.length === 2);
  await expect(ask()).rejects.toMatchObject({ type: "QUEUE_FULL" });
  await set({ actions: "worker.*", bulkhead: { concurrency: 1, queue: 1 } });
  const waiting = ask();
  lab.isHolding = false;
  for (const go of lab.held) go();
  expect((await Promise.all([...taken, waiting])).length).toBe(3);
});

it("changes live how long a call may take, and shows what applies", async () => {
  lab.isHolding = true;
  await set({ actions: "worker.write", timeout: 100 }, { actions: "*", timeout: 4000 });
  await expect(ask()).rejects.toMatchObject({ type: "REQUEST_TIMEOUT" });
  const { actions } = await desk.broker.call<{ actions: object[] }, object>("$ops.resilience", {}, { nodeID: "a" });
  expect(actions).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ name: "worker.write", timeout: 100, retries: 0 }),
      expect.objectContaining({ name: "worker.read", timeout: 4000, retries: 2 }),
    ]),
  );
  await set();
  const patient = ask();
  await eventually(() => lab.held.length >= 2);
  for (const go of lab.held) go();
  await expect(patient).resolves.toMatch(/[ab]/);
});

it("does not begin what its caller has given up", async () => {
  await set({ actions: "*", bulkhead: { concurrency: 1 } });
  lab.isHolding = true;
  const [first] = [ask("worker.write", { nodeID: "a" })];
  await eventually(() => lab.held.length === 1);
  await expect(ask("worker.write", { nodeID: "a", timeout: 100 })).rejects.toMatchObject({ type: "REQUEST_TIMEOUT" });
  for (const go of lab.held) go();
  await first;
  const a = nodes.get("a") as ServiceBroker;
  const figures = () => nodeOf(a).metrics.registry.metrics();
  await eventually(async () => (await figures()).includes('shop_calls_expired_total{action="worker.write"} 1'));
  expect(lab.ran).toEqual(["a"]);
});

it("changes live when a node that fails is not asked any more, and asks it again once it works", async () => {
  await set({ actions: "worker.write", breaker: { minCalls: 3, openMs: 200 } });
  lab.fail = "a";
  await asks(6);
  expect(nodeOf(desk.broker).resilience.circuits()).toEqual([{ action: "worker.write", node: "a", state: "open" }]);
  expect(await Promise.all([ask(), ask(), ask(), ask()])).toEqual(["b", "b", "b", "b"]);
  // Another action of the node is none of its business.
  expect((await asks(2, "worker.read")).map(({ status }) => status)).toContain("rejected");
  lab.fail = "";
  await eventually(async () => (await ask()) === "a");
  expect(nodeOf(desk.broker).resilience.circuits()).toEqual([]);
});

it("soon asks a node no more that gives no answer, and refuses at once where there is no other", async () => {
  await nodes.get("b")?.stop();
  nodes.delete("b");
  await set({ actions: "worker.*", breaker: { minCalls: 3, openMs: 60_000 }, timeout: 150 });
  // Neither hears nor says anything any more, as one that was killed or is frozen.
  const { transit } = nodes.get("a") as ServiceBroker;
  await (transit as unknown as { tx: { disconnect(): Promise<void> } }).tx.disconnect();
  expect((await asks(3)).map((one) => one.status)).toEqual(["rejected", "rejected", "rejected"]);
  await eventually(() => nodeOf(desk.broker).resilience.circuits().length === 1);
  const began = performance.now();
  await expect(ask()).rejects.toMatchObject({ type: "SERVICE_NOT_AVAILABLE" });
  expect(performance.now() - began).toBeLessThan(100);
});

it("has another node do what one did not begin, as it is leaving, safe to run twice or not", async () => {
  (nodes.get("a") as unknown as { stopping: boolean }).stopping = true;
  expect((await asks(4)).map((one) => (one as { value?: string }).value)).toEqual(["b", "b", "b", "b"]);
  expect(lab.ran).toEqual(["b", "b", "b", "b"]);
  // Whoever asks this one wants no other.
  await expect(ask("worker.write", { nodeID: "a" })).rejects.toMatchObject({ type: "SERVICE_NOT_AVAILABLE" });
});
