import type { ServiceBroker, ServiceSchema } from "moleculer";
import { action } from "../../lib/actions";
import { nodeOf } from "../../lib/node";
import type { PolicyRules } from "../../lib/policies";
import { Strict, Type } from "../../lib/schema";
import configService from "../../services/config/config.service";
import { Cluster } from "./config.parts";
import { eventually } from "./node";
import { together } from "./together";

/** What Moleculer keeps of calls under way. */
type Inner = ServiceBroker & { transit: { pendingRequests: Map<string, unknown> }; _trackedContexts: unknown[] };

/** It neither hears nor says anything any more, as one that was killed or is frozen. */
async function fallSilent({ transit }: ServiceBroker): Promise<void> {
  const { tx } = transit as unknown as { tx: { disconnect(): Promise<void> } };
  await tx.disconnect();
}

/** A desk that asks, and two nodes that work as they are told to. */
async function openLab() {
  const cluster = new Cluster();
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
  const desk = await cluster.start([configService], { NODE_ID: "desk" });
  const start = async (id: string) => (await cluster.start([worker], { NODE_ID: id })).broker;
  const [a, b] = await Promise.all([start("a"), start("b")]);
  await eventually(() => desk.broker.registry.actions.get("worker.write")?.endpoints.length === 2);
  const running = new Set([desk.broker, a, b]);

  const ask = (name = "worker.write", options = {}) => desk.broker.call<string, object>(name, {}, options);
  const go = () => {
    for (const resolve of lab.held) resolve();
  };
  return Object.assign(lab, {
    desk,
    a,
    ask,
    asks: (count: number, name?: string) => Promise.allSettled(Array.from({ length: count }, () => ask(name))),
    go,
    /** Resolves once the settings hold on every node. */
    async set(...rules: PolicyRules): Promise<void> {
      const { version } = await desk.put("application", { "resilience.policies": rules });
      await eventually(() => [...running].every((broker) => nodeOf(broker).config.version === version));
    },
    async stop(broker: ServiceBroker): Promise<void> {
      running.delete(broker);
      await broker.stop();
    },
    b,
    async end(): Promise<void> {
      go();
      await cluster.end();
    },
  });
}

const inLab = (story: (lab: Awaited<ReturnType<typeof openLab>>) => Promise<void>) => async () => {
  const lab = await openLab();
  await story(lab).finally(lab.end);
};

together({
  "changes live how many calls of an action run and wait": inLab(async (lab) => {
    await lab.set({ actions: "worker.write", bulkhead: { concurrency: 1, queue: 0 } });
    lab.isHolding = true;
    const taken = [lab.ask(), lab.ask()];
    await eventually(() => lab.held.length === 2);
    await expect(lab.ask()).rejects.toMatchObject({ type: "QUEUE_FULL" });
    await lab.set({ actions: "worker.*", bulkhead: { concurrency: 1, queue: 1 } });
    const waiting = lab.ask();
    lab.isHolding = false;
    lab.go();
    expect((await Promise.all([...taken, waiting])).length).toBe(3);
  }),

  "changes live how long a call may take, and shows what applies": inLab(async (lab) => {
    lab.isHolding = true;
    await lab.set({ actions: "worker.write", timeout: 100 }, { actions: "*", timeout: 4000 });
    await expect(lab.ask()).rejects.toMatchObject({ type: "REQUEST_TIMEOUT" });
    const { actions } = await lab.desk.broker.call<{ actions: object[] }, object>(
      "$ops.resilience",
      {},
      { nodeID: "a" },
    );
    expect(actions).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: "worker.write", timeout: 100, retries: 0 }),
        expect.objectContaining({ name: "worker.read", timeout: 4000, retries: 2 }),
      ]),
    );
    await lab.set();
    const patient = lab.ask();
    await eventually(() => lab.held.length >= 2);
    lab.go();
    await expect(patient).resolves.toMatch(/[ab]/);
  }),

  "does not begin what its caller has given up": inLab(async (lab) => {
    await lab.set({ actions: "*", bulkhead: { concurrency: 1 } });
    lab.isHolding = true;
    const [first] = [lab.ask("worker.write", { nodeID: "a" })];
    await eventually(() => lab.held.length === 1);
    await expect(lab.ask("worker.write", { nodeID: "a", timeout: 100 })).rejects.toMatchObject({
      type: "REQUEST_TIMEOUT",
    });
    lab.go();
    await first;
    const figures = () => nodeOf(lab.a).metrics.registry.metrics();
    await eventually(async () => (await figures()).includes('shop_calls_expired_total{action="worker.write"} 1'));
    expect(lab.ran).toEqual(["a"]);
  }),

  "changes live when a node that fails is not asked any more, and asks it again once it works": inLab(async (lab) => {
    await lab.set({ actions: "worker.write", breaker: { minCalls: 3, openMs: 200 } });
    lab.fail = "a";
    await lab.asks(6);
    expect(nodeOf(lab.desk.broker).resilience.circuits()).toEqual([
      { action: "worker.write", node: "a", state: "open" },
    ]);
    expect(await Promise.all([lab.ask(), lab.ask(), lab.ask(), lab.ask()])).toEqual(["b", "b", "b", "b"]);
    // Another action of the node is none of its business.
    expect((await lab.asks(2, "worker.read")).map(({ status }) => status)).toContain("rejected");
    lab.fail = "";
    await eventually(async () => (await lab.ask()) === "a");
    expect(nodeOf(lab.desk.broker).resilience.circuits()).toEqual([]);
  }),

  "soon asks a node no more that gives no answer, and refuses at once where there is no other": inLab(async (lab) => {
    await lab.stop(lab.b);
    await lab.set({ actions: "worker.*", breaker: { minCalls: 3, openMs: 60_000 }, timeout: 150 });
    await fallSilent(lab.a);
    expect((await lab.asks(3)).map((one) => one.status)).toEqual(["rejected", "rejected", "rejected"]);
    await eventually(() => nodeOf(lab.desk.broker).resilience.circuits().length === 1);
    // Whoever waits in vain is told REQUEST_TIMEOUT.
    await expect(lab.ask()).rejects.toMatchObject({ type: "SERVICE_NOT_AVAILABLE" });
  }),

  "lets go of calls that get no answer, as soon as nobody waits for them": inLab(async (lab) => {
    // Longer than a node may be silent before another one is asked, too.
    await lab.set({ actions: "worker.*", timeout: 500 });
    for (const broker of [lab.a, lab.b]) await fallSilent(broker);
    const answers = [...(await lab.asks(2, "worker.read")), ...(await lab.asks(2))];
    expect(answers.map(({ status }) => status)).toEqual(Array(4).fill("rejected"));
    const { registry, transit, _trackedContexts: running } = lab.desk.broker as unknown as Inner;
    // Not only once the nodes are taken for dead.
    await eventually(() => {
      expect(registry.actions.get("worker.write")?.endpoints.length).toBe(2);
      return transit.pendingRequests.size === 0 && running.length === 0;
    });
  }),

  "has another node do what one did not begin, as it is leaving, safe to run twice or not": inLab(async (lab) => {
    (lab.a as unknown as { stopping: boolean }).stopping = true;
    expect((await lab.asks(4)).map((one) => (one as { value?: string }).value)).toEqual(["b", "b", "b", "b"]);
    expect(lab.ran).toEqual(["b", "b", "b", "b"]);
    // Whoever asks this one wants no other.
    await expect(lab.ask("worker.write", { nodeID: "a" })).rejects.toMatchObject({ type: "SERVICE_NOT_AVAILABLE" });
  }),
});
