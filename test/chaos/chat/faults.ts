import type { Chance } from "../chance";
import type { Fault } from "../faults";

export type KilledNode = `${"api" | "chat"}.${1 | 2}`;
export type ChatFault = Exclude<Fault<KilledNode, "nats" | "kafka">, { kind: "freeze" }>;

/** A fault and how many messages of customers have been acknowledged when it happens. */
export interface PlannedChatFault {
  at: number;
  fault: ChatFault;
}

/** Messages for which there is one more round of faults. */
const MESSAGES_A_ROUND = 2000;

/** A gateway, a chat node, NATS and Kafka, once and for every 2,000 messages once more; never all of a kind at once. */
export function planFaults(chance: Chance, messages: number): PlannedChatFault[] {
  const rounds = Math.max(1, Math.floor(messages / MESSAGES_A_ROUND));
  const away = () => 100 * chance.between(10, 30);
  const faults = Array.from({ length: rounds }, () =>
    chance.shuffled<ChatFault>([
      { kind: "kill", node: chance.pick(["api.1", "api.2"] as const) },
      { kind: "kill", node: chance.pick(["chat.1", "chat.2"] as const) },
      { kind: "restart", server: "nats", ms: away() },
      { kind: "restart", server: "kafka", ms: away() },
    ]),
  ).flat();
  const apart = messages / (faults.length + 1);
  return faults.map((fault, index) => ({ at: Math.floor((index + 0.6 + 0.8 * chance.next()) * apart), fault }));
}
