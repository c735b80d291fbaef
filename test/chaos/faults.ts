import type { Chance } from "./chance";

/** The kinds of node, two of each; `auth` hosts `user` as well. */
export const NODE_KINDS = ["api", "auth", "product", "order", "payment"] as const;
export type NodeKind = (typeof NODE_KINDS)[number];
export type NodeName = `${NodeKind}.${1 | 2}`;
export const kindOf = (node: NodeName): string => node.slice(0, node.indexOf("."));
export const SERVERS = ["nats", "redis", "kafka"] as const;
export type RestartedServer = (typeof SERVERS)[number];

export type Fault<N extends string = NodeName, S extends string = RestartedServer> =
  | { kind: "kill"; node: N }
  | { kind: "freeze"; node: N; ms: number }
  | { kind: "restart"; server: S; ms: number };

/** A fault and the order, by number from 0 on, before which it happens. */
export interface PlannedFault {
  at: number;
  fault: Fault;
}

const FREEZE_MS = 10_000;
/** Orders for which there is one more round of faults. */
const ORDERS_A_ROUND = 250;

export const describeFault = (fault: Fault<string, string>): string => {
  switch (fault.kind) {
    case "kill":
      return `kill -9 ${fault.node}`;
    case "freeze":
      return `SIGSTOP ${fault.node} for ${fault.ms / 1000} s`;
    case "restart":
      return `kill -9 ${fault.server}, start it after ${fault.ms / 1000} s`;
  }
};

/** Each kind of fault, whatever the number of orders; with more of them more, most often where the outbox and the stock are. */
export function planFaults(chance: Chance, orders: number): PlannedFault[] {
  const one = (kind: NodeKind): NodeName => `${kind}.${chance.pick([1, 2] as const)}`;
  const kill = (kind: NodeKind): Fault => ({ kind: "kill", node: one(kind) });
  const freeze = (kind: NodeKind): Fault => ({ kind: "freeze", node: one(kind), ms: FREEZE_MS });
  const restart = (server: RestartedServer): Fault => {
    return { kind: "restart", server, ms: 100 * chance.between(10, 30) };
  };
  const always: Fault[] = [
    ...NODE_KINDS.map(kill),
    kill("order"),
    kill("product"),
    freeze("order"),
    freeze(chance.pick(["api", "auth", "product", "payment"])),
    ...SERVERS.map(restart),
  ];
  const rounds = Array.from({ length: Math.floor(orders / ORDERS_A_ROUND) }, (): Fault[] => [
    kill("order"),
    kill(chance.pick(NODE_KINDS)),
    chance.next() < 0.5 ? restart(chance.pick(SERVERS)) : freeze(chance.pick(NODE_KINDS)),
  ]);
  const faults = chance.shuffled([...always, ...rounds.flat()]);
  // Orders before the first and after the last one as well.
  const apart = orders / (faults.length + 1);
  return faults.map((fault, index) => ({ at: Math.floor((index + 0.6 + 0.8 * chance.next()) * apart), fault }));
}
