import { Agent, get as httpGet, type IncomingMessage } from "node:http";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import { action, callOf } from "../../lib/actions";
import { newId } from "../../lib/ids";
import { answers, freePorts } from "../../lib/infra/ports";
import { nodeOf } from "../../lib/node";
import { Strict, Type } from "../../lib/schema";
import { drain } from "../../mixins/lifecycle";
import apiService from "../../services/api/api.service";
import { keys } from "./gateway.parts";
import { eventually, startNode, type TestNode } from "./node";

const FAKE = { transporter: "Fake" as const };
const nodes: TestNode[] = [];
afterEach(() => Promise.all(nodes.splice(0).map((node) => node.stop())));

async function start(...args: Parameters<typeof startNode>): Promise<TestNode> {
  const made = await startNode(...args);
  nodes.push(made);
  return made;
}

const shelf = (started?: () => Promise<void>) => (): ServiceSchema => ({
  name: "shelf",
  settings: { rest: "/" },
  actions: {
    look: action({
      rest: "GET /shelf",
      access: "anyone",
      params: Strict({}),
      returns: Type.Unknown(),
      handler: () => ({ full: true }),
    }),
  },
  ...(started && { started }),
});

it("lets clients in when all that its node hosts can be asked", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const [port = 0] = await freePorts(1);
  let gatewayStarted = false;
  const gateway = (broker: ServiceBroker): ServiceSchema => {
    const schema = apiService(broker);
    const { started } = schema;
    return {
      ...schema,
      async started() {
        await (started as () => Promise<void>).call(this);
        gatewayStarted = true;
      },
    };
  };
  const settings = { PORT: String(port), JWT_ISSUER: "https://shop.example" };
  const starting = start([keys, gateway, shelf(() => promise)], settings);
  await eventually(() => gatewayStarted);
  expect(await answers(port)).toBe(false);
  resolve();
  const first = await eventually(() => fetch(`http://127.0.0.1:${port}/api/v1/shelf`).catch(() => undefined));
  expect(first.status).toBe(200);
  await starting;
  // Its own are there as well.
  expect((await fetch(`http://127.0.0.1:${port}/api/v1/openapi.json`)).status).toBe(200);
});

it("answers what comes over a connection that is there when it takes no more of them", async () => {
  const [port = 0] = await freePorts(1);
  const settings = { PORT: String(port), JWT_ISSUER: "https://shop.example", DRAIN_MS: "0" };
  const { broker } = await start([keys, apiService, shelf()], settings);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const look = () =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpGet({ port, host: "127.0.0.1", path: "/api/v1/shelf", agent }, (answer) => {
        answer.resume().once("end", () => resolve(answer));
      });
      request.once("error", reject);
    });
  expect((await look()).headers.connection).toBe("keep-alive");
  const ended = drain(broker);
  await eventually(async () => !(await answers(port)));
  const last = await look();
  expect([last.statusCode, last.headers.connection]).toEqual([200, "close"]);
  await ended;
  await expect(look()).rejects.toMatchObject({ code: "ECONNREFUSED" });
  agent.destroy();
});

declare module "../../lib/actions" {
  interface ActionMap {
    "first.run": { params: object; result: string };
    "second.run": { params: object; result: string };
  }
}

it("does what other nodes asked before it drained, with all that it needs of its own", async () => {
  const NAMESPACE = newId();
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  let isRunning = false;
  const run = (handler: (broker: ServiceBroker) => Promise<string> | string) => (broker: ServiceBroker) =>
    action({ params: Strict({}), returns: Type.String(), handler: () => handler(broker) });
  const first = run(async (broker) => {
    isRunning = true;
    await held;
    return callOf(broker)("second.run", {});
  });
  let isOpen = true;
  const second = run(() => (isOpen ? "done" : "its store is closed"));
  const stopped = async () => {
    isOpen = false;
  };
  const services = [
    (broker: ServiceBroker): ServiceSchema => ({ name: "first", actions: { run: first(broker) } }),
    (broker: ServiceBroker): ServiceSchema => ({ name: "second", actions: { run: second(broker) }, stopped }),
  ];
  const asking = await start([], { NAMESPACE, NODE_ID: "asking" }, FAKE);
  const leaving = await start(services, { NAMESPACE, NODE_ID: "leaving", DRAIN_MS: "0" }, FAKE);
  await asking.broker.waitForServices("first");
  const asked = asking.call("first.run", {});
  await eventually(() => isRunning);
  const began = Date.now();
  const ended = drain(leaving.broker);
  await eventually(() => nodeOf(leaving.broker).health.state === "draining");
  // Nobody new: not even by whoever does not know yet.
  await eventually(() => !asking.broker.registry.actions.isAvailable("first.run"));
  await eventually(() => Date.now() - began > 500);
  release();
  await expect(asked).resolves.toBe("done");
  await ended;
});
