import { type Context, ServiceBroker as Node, type ServiceSchema } from "moleculer";
import { newId } from "../../lib/ids";
import { Metrics } from "../../lib/metrics";
import { isTriedAgain } from "../../mixins/errors";
import { hedgingMiddleware } from "../../mixins/hedging.middleware";
import { eventually } from "./node";
import { together } from "./together";

type Handler = (ctx: Context) => unknown;

const nodes: Node[] = [];
afterAll(() => Promise.all(nodes.map((node) => node.stop())));

const desk = (ask: Handler, retryable: boolean): ServiceSchema => ({
  name: "desk",
  actions: { ask: { ...(retryable && { retryPolicy: { enabled: true } }), handler: ask } },
});

/** A node that asks and one for each of the handlers, which say nothing but what they are made to. */
async function cluster(handlers: Record<string, Handler>, { retryable = true } = {}) {
  const namespace = newId();
  const metrics = new Metrics();
  const common = {
    namespace,
    logger: false,
    transporter: "Fake" as const,
    heartbeatInterval: 60,
    heartbeatTimeout: 180,
  };
  const retryPolicy = { enabled: false, retries: 2, delay: 10, check: isTriedAgain };
  const node = (nodeID: string, more = {}) =>
    new Node({ ...common, nodeID, requestTimeout: 1000, retryPolicy, ...more });
  const caller = node("caller", { middlewares: [hedgingMiddleware(metrics)], requestTimeout: 4000 });
  const others = Object.entries(handlers).map(([nodeID, handler]) => {
    const other = node(nodeID, { requestTimeout: 0 });
    other.createService(desk(handler, retryable));
    return other;
  });
  nodes.push(caller, ...others);
  await Promise.all([caller, ...others].map((one) => one.start()));
  await eventually(() => caller.registry.actions.get("desk.ask")?.endpoints.length === others.length);
  const hedged = async () => (await metrics.hedgedCalls.get()).values.reduce((sum, { value }) => sum + value, 0);
  return { caller, others, hedged };
}

const never = () => new Promise(() => undefined);

together({
  "asks another node where one says nothing, and takes its answer": async () => {
    const { caller, hedged } = await cluster({ mute: never, able: () => "answer" });
    await expect(Promise.all([1, 2, 3, 4].map(() => caller.call("desk.ask")))).resolves.toEqual(
      Array(4).fill("answer"),
    );
    await expect(hedged()).resolves.toBe(2);
  },

  "asks nobody else what is not safe to run twice": async () => {
    const { caller, hedged } = await cluster({ mute: never, able: () => "answer" }, { retryable: false });
    const answers = await Promise.allSettled([1, 2].map(() => caller.call("desk.ask", {}, { timeout: 800 })));
    expect(answers.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    await expect(hedged()).resolves.toBe(0);
  },

  "waits for a node that is slow and can be heard": async () => {
    let asked = 0;
    const slow: Handler = async ({ broker }) => {
      asked += 1;
      for (let said = 0; said < 10; said++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        await broker.ping("caller");
      }
      return "slow";
    };
    const { caller, hedged } = await cluster({ slow, alike: slow });
    await expect(caller.call("desk.ask")).resolves.toBe("slow");
    expect(asked).toBe(1);
    await expect(hedged()).resolves.toBe(0);
  },

  "asks the only node again after more than a heartbeat of silence": async () => {
    let asked = 0;
    const { caller } = await cluster({ forgetful: () => (++asked === 1 ? never() : "answer") });
    await expect(caller.call("desk.ask")).resolves.toBe("answer");
    expect(asked).toBe(2);
  },

  "passes a refusal on": async () => {
    const { caller } = await cluster({ able: () => Promise.reject(Object.assign(new Error("no"), { code: 409 })) });
    await expect(caller.call("desk.ask")).rejects.toMatchObject({ code: 409 });
  },

  "does not ask a second time what took too long": async () => {
    let asked = 0;
    const busy: Handler = () => {
      asked += 1;
      return never();
    };
    const { caller } = await cluster({ busy });
    await expect(caller.call("desk.ask", {}, { timeout: 500 })).rejects.toMatchObject({ type: "REQUEST_TIMEOUT" });
    expect(asked).toBe(1);
  },

  "asks again what got lost with the connection as soon as that is back": async () => {
    let asked = 0;
    const { caller, hedged } = await cluster({ forgetful: () => (++asked === 1 ? never() : "answer") });
    const lost = caller.call("desk.ask");
    while (asked === 0) await new Promise(setImmediate);
    caller.broadcastLocal("$transporter.connected", { wasReconnect: true });
    await expect(lost).resolves.toBe("answer");
    await expect(hedged()).resolves.toBe(1);
  },

  "asks only the node that was named": async () => {
    const { caller } = await cluster({ mute: never, able: () => "answer" });
    const named = caller.call("desk.ask", {}, { nodeID: "mute", timeout: 800 });
    await expect(named).rejects.toMatchObject({ type: "REQUEST_TIMEOUT" });
  },
});
