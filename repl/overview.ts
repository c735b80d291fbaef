import type { ServiceBroker } from "moleculer";
import { callOf } from "../lib/actions";
import { serviceNames } from "../lib/hosting";
import { nodeOf } from "../lib/node";
import { deadLettersIn } from "../lib/topics/dead-letters";
import { hostedServices, type NodeOfCluster, nodesOf, type ServiceOfCluster } from "../mixins/cluster";
import type { StatusOfNode } from "../mixins/operations.schema";
import { command } from "./command";
import { TOPICS } from "./dead-letters";
import { told } from "./failure";
import { type Column, facts, section, table } from "./table";
import { ago, count, grouped, span, wrapped } from "./text";

/** Milliseconds that each part has to answer; what is silent is said to be. */
const ANSWER_MS = 2500;

const STATES = { running: "good", starting: "doubtful", draining: "doubtful", offline: "bad" } as const;

const NODES: Column<NodeOfCluster>[] = [
  { name: "node", cell: ({ id }) => id, gives: true },
  { name: "state", cell: ({ state }) => state, tone: ({ state }) => STATES[state] },
  { name: "uptime", cell: ({ uptime }) => span(uptime), right: true },
  { name: "cpu", cell: ({ cpu }) => (cpu === null ? "-" : `${Math.round(cpu)} %`), right: true },
  { name: "heard", cell: ({ lastHeartbeat }) => ago(lastHeartbeat), right: true },
  { name: "version", cell: ({ version }) => version },
  { name: "services", cell: ({ services }) => services.join(" "), gives: true },
];
const SERVICES: Column<ServiceOfCluster>[] = [
  { name: "service", cell: ({ name }) => name },
  { name: "version", cell: ({ version }) => version },
  { name: "nodes", cell: ({ nodes }) => `${nodes.length}`, right: true },
  { name: "on", cell: ({ nodes }) => nodes.join(" "), gives: true },
];

async function statusesOf(broker: ServiceBroker, nodes: NodeOfCluster[]): Promise<Map<string, StatusOfNode | string>> {
  const asked = nodes
    .filter(({ state }) => state !== "offline")
    .map(async ({ id: nodeID }): Promise<[string, StatusOfNode | string]> => {
      const options = { nodeID, timeout: ANSWER_MS };
      return [nodeID, await callOf(broker)("$ops.status", {}, options).catch((error: unknown) => told(error))];
    });
  return new Map(await Promise.all(asked));
}

function missingOf(nodes: NodeOfCluster[], statuses: Map<string, StatusOfNode | string>): string[] {
  const hosted = new Set(nodes.flatMap(({ state, services }) => (state === "running" ? services : [])));
  return [
    ...serviceNames()
      .filter((name) => !hosted.has(name))
      .map((name) => `${name}: no node that takes work hosts it`),
    ...nodes.filter(({ state }) => state === "offline").map(({ id }) => `node ${id}: it died without saying so`),
    ...[...statuses].flatMap(([id, status]) => {
      if (typeof status === "string") return [`node ${id}: ${status}`];
      return status.missing.map((dependency) => `${dependency}: node ${id} cannot use it`);
    }),
  ];
}

/** Several nodes look after the same: what is counted is the cluster's, and the highest is the latest to be sure of. */
function highest<T>(all: T[], keyOf: (one: T) => string, valueIn: (one: T) => number): [string, number][] {
  const found = new Map<string, number>();
  for (const one of all) found.set(keyOf(one), Math.max(found.get(keyOf(one)) ?? 0, valueIn(one)));
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** What is not empty. */
function listed(entries: [string, number][]): string {
  if (entries.length === 0) return "nobody tells of it";
  const waiting = entries.filter(([, value]) => value > 0);
  return waiting.map(([name, value]) => `${name} ${grouped(value)}`).join(", ") || "0";
}

async function figure(name: string, ask: () => Promise<string>): Promise<[string, string]> {
  return [name, await ask().catch((error: unknown) => told(error))];
}

function backlog(broker: ServiceBroker, statuses: StatusOfNode[]): Promise<[string, string][]> {
  const call = callOf(broker);
  const options = { timeout: ANSWER_MS };
  const outbox = statuses.flatMap((status) => status.outbox);
  const lag = statuses.flatMap((status) => status.lag);
  const oldest = Math.max(0, ...outbox.map(({ oldestSeconds }) => oldestSeconds));
  return Promise.all([
    figure("chat queue", async () => {
      const { items, length } = await call("chat.queue", { limit: 1 }, options);
      return `${count(length, "conversation")}${items[0] ? `, the first opened ${ago(items[0].createdAt)}` : ""}`;
    }),
    figure("stuck orders", async () => {
      const { items, more } = await call("order.stuck", { limit: 1000 }, options);
      return `${grouped(items.length)}${more ? " or more" : ""}${items.length > 0 ? ": orders stuck" : ""}`;
    }),
    figure("outbox", async () => {
      const waiting = highest(
        outbox,
        ({ collection }) => collection,
        (one) => one.waiting,
      );
      return `${listed(waiting)}${oldest >= 1 ? `, the oldest for ${span(oldest)}` : ""}`;
    }),
    figure("lag", async () =>
      listed(
        highest(
          lag,
          ({ topic, group }) => `${topic}/${group}`,
          (one) => one.messages,
        ),
      ),
    ),
    figure("dead letters", async () => {
      const { topics } = nodeOf(broker);
      const counted = TOPICS.map(async (topic): Promise<[string, number]> => {
        const { letters } = await deadLettersIn(topics, topic).list();
        return [topic, letters.length];
      });
      return listed(await Promise.all(counted));
    }),
  ]);
}

/** The cluster at a glance. */
export const overviewCommand = command({
  usage: "overview",
  alias: ["ov"],
  description: "The cluster at a glance: nodes, services, what is missing, and what waits",
  async run(broker) {
    const nodes = await nodesOf(broker);
    const statuses = await statusesOf(broker, nodes);
    const missing = missingOf(nodes, statuses);
    const waiting = await backlog(
      broker,
      [...statuses.values()].filter((status) => typeof status !== "string"),
    );
    return [
      section("Nodes", table(nodes, NODES)),
      section("Services", table(hostedServices(broker), SERVICES)),
      section("Missing", missing.length > 0 ? missing.map(wrapped).join("\n") : "Nothing."),
      section("Waiting", facts(waiting)),
    ].join("\n\n");
  },
});
