import { CloudEvent as Envelope } from "cloudevents";
import { ajv, type CloudEvent } from "../../../lib/events";
import type { Received } from "../../../lib/topics/topics";
import { type ChatFact, chatEvents } from "../../../services/chat/chat.events";
import type { Talk } from "./evidence";

export interface SeenFact {
  id: string;
  type: string;
  time: string;
  data: ChatFact<"chat.message.sent"> | ChatFact<"chat.conversation.assigned">;
  partition: number;
}

const validators = new Map(Object.entries(chatEvents.schemas).map(([type, schema]) => [type, ajv.compile(schema)]));

/** A message as the event that it has to be, or what is wrong with it. */
export function readFact({ key, value, headers, partition }: Received): SeenFact | string {
  try {
    const event = JSON.parse(value) as CloudEvent & Pick<SeenFact, "data">;
    // Its constructor validates strictly.
    new Envelope({ ...event });
    if (event.subject !== key) return `subject ${event.subject} under the key ${key}`;
    if (headers.traceparent !== event.traceparent) return `${event.type}: the header traceparent is not the event's`;
    const validate = validators.get(event.type);
    if (!validate) return `${event.type} is no fact of the chat`;
    if (!validate(event.data)) return `${event.type}: ${ajv.errorsText(validate.errors)}`;
    const { id, type, time, data } = event;
    return { id, type, time, data, partition };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Copies of an event left out, in the topic's order. */
export function firstOf(facts: readonly SeenFact[]): SeenFact[] {
  return [...new Map(facts.toReversed().map((fact) => [fact.id, fact])).values()].reverse();
}

export const isMessage = (fact: SeenFact): fact is SeenFact & { data: ChatFact<"chat.message.sent"> } =>
  fact.type === "chat.message.sent";

/** Whose it is after an assignment. */
export const holderIn = ({ data }: SeenFact): string | undefined =>
  "conversation" in data ? data.conversation.agent?.id : undefined;

/** What is wrong with the facts of one conversation: each is there once, and in order. */
export function compareFacts({ conversation, all }: Talk, seen: readonly SeenFact[]) {
  const facts = firstOf(seen);
  const types = facts.map(({ type }) => type);
  const count = (type: string) => types.filter((one) => one === type).length;
  const seqs = facts.filter(isMessage).map(({ data }) => data.message.seq);
  const lost: string[] = [];
  const doubled: string[] = [];
  const misordered: string[] = [];
  for (const type of ["chat.conversation.opened", "chat.conversation.closed"]) {
    const due = type.endsWith("closed") && conversation.status !== "closed" ? 0 : 1;
    if (count(type) < due) lost.push(type);
    if (count(type) > due) doubled.push(type);
  }
  const there = new Set(seqs);
  for (const { seq } of all) if (!there.has(seq)) lost.push(`chat.message.sent of ${seq}`);
  if (there.size < seqs.length) doubled.push("chat.message.sent");
  if (seqs.length > all.length) doubled.push(`${seqs.length} messages are told, ${all.length} are there`);
  const inOrder = seqs.every((seq, index) => index === 0 || seq > (seqs[index - 1] ?? 0));
  if (!inOrder) misordered.push(`the messages ${seqs.join(", ")}`);
  if (types[0] !== "chat.conversation.opened") misordered.push(`${types[0]} is the first`);
  const closedAt = types.indexOf("chat.conversation.closed");
  if (closedAt >= 0 && closedAt < types.length - 1) misordered.push(`${types.at(-1)} after it was closed`);
  if (new Set(seen.map(({ partition }) => partition)).size > 1) misordered.push("in several partitions");
  const takers = new Set(facts.filter(({ type }) => type.endsWith("assigned")).map(holderIn));
  for (const agent of conversation.agents) if (!takers.has(agent)) lost.push(`chat.conversation.assigned to ${agent}`);
  return { lost, doubled, misordered };
}
