import { answers } from "./ports";
import { type Command, entryCommand, type Launched, type LaunchOptions, launch, untilReady } from "./processes";

export interface NodePorts {
  http: number;
  ops: number;
  sandbox: number;
}

export interface NodeOptions extends Pick<LaunchOptions, "env" | "cwd" | "onLine" | "ownGroup"> {
  /** For messages, and the beginning of the node's id in the cluster. */
  name: string;
  /** What it hosts; default all. */
  services?: readonly string[];
  ports: NodePorts;
  /** What to run; default the project's start command. */
  command?: Command;
}

export interface ShopNode extends Launched {
  readonly ports: NodePorts;
  /** Resolves once `/health/ready` answers 200. */
  ready(ms?: number): Promise<void>;
}

let launches = 0;

/** One node of the shop as a process of its own. Its id is new at every launch, as a restarted node is a new member. */
export function launchNode({
  name,
  services,
  ports,
  command = entryCommand("start"),
  env,
  ...rest
}: NodeOptions): ShopNode {
  launches += 1;
  const node = launch({
    ...rest,
    ...command,
    name,
    env: {
      PORT: String(ports.http),
      OPS_PORT: String(ports.ops),
      SANDBOX_PORT: String(ports.sandbox),
      // No dots, as the id becomes part of NATS subjects.
      NODE_ID: `${name.replaceAll(".", "-")}-${process.pid}-${launches}`,
      SERVICES: services?.join(","),
      ...env,
    },
  });
  const ready = (ms?: number) => untilReady(node, `http://127.0.0.1:${ports.ops}/health/ready`, ms);
  // Not spread: `running` is a getter.
  return Object.assign(node, { ports, ready });
}

/** Ports for node number `index` of a range: ten apart, so that a service may add some. */
export function nodePorts(base: number, index: number): NodePorts {
  const http = base + 10 * index;
  return { http, ops: http + 1, sandbox: http + 2 };
}

/** Throws where ports are in use, naming each with the setting that chooses it. */
export async function demandFree(ports: Readonly<Record<string, readonly number[]>>): Promise<void> {
  const all = Object.entries(ports).flatMap(([setting, numbers]) => numbers.map((port) => ({ setting, port })));
  const open = await Promise.all(all.map(({ port }) => answers(port)));
  const taken = all.filter((_, index) => open[index]).map(({ setting, port }) => `${port} (${setting})`);
  if (taken.length > 0) throw new Error(`Ports in use: ${taken.join(", ")}`);
}
