import type { Chance } from "../chance";

export const NODES = ["api.1", "api.2", "chat.1", "chat.2"] as const;
export type KilledNode = (typeof NODES)[number];

export type ChatFault = { kind: "kill"; node: KilledNode } | { kind: "restart nats"; ms: number };

/** A fault and how many messages of customers have been acknowledged when it happens. */
export interface PlannedChatFault {
  at: number;
  fault: ChatFault;
}

/** Messages for which there is one more round of faults. */
const MESSAGES_A_ROUND = 2000;

export const describeFault = (fault: ChatFault): string =>
  fault.kind === "kill" ? `kill -9 ${fault.node}` : `kill -9 nats, start it after ${fault.ms / 1000} s`;

/** A gateway, a chat node and NATS, once and for every 2,000 messages once more; never all of a kind at once. */
export function planFaults(chance: Chance, messages: number): PlannedChatFault[] {
  const rounds = Math.max(1, Math.floor(messages / MESSAGES_A_ROUND));
  const faults = Array.from({ length: rounds }, () =>
    chance.shuffled<ChatFault>([
      { kind: "kill", node: chance.pick(["api.1", "api.2"] as const) },
      { kind: "kill", node: chance.pick(["chat.1", "chat.2"] as const) },
      { kind: "restart nats", ms: 100 * chance.between(10, 30) },
    ]),
  ).flat();
  const apart = messages / (faults.length + 1);
  return faults.map((fault, index) => ({ at: Math.floor((index + 0.6 + 0.8 * chance.next()) * apart), fault }));
}
