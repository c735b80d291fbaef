import { isDeepStrictEqual } from "node:util";
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
  const first = new Map<string, SeenFact>();
  for (const fact of facts) if (!first.has(fact.id)) first.set(fact.id, fact);
  return [...first.values()];
}

type MessageFact = SeenFact & { data: ChatFact<"chat.message.sent"> };
export const isMessage = (fact: SeenFact): fact is MessageFact => fact.type === "chat.message.sent";

/** Whose it is after an assignment. */
export const holderIn = ({ data }: SeenFact): string | undefined =>
  "conversation" in data ? data.conversation.agent?.id : undefined;

/** What is wrong with the facts of one conversation: each is there once, in order, and says what was said. */
export function compareFacts({ conversation, all }: Talk, seen: readonly SeenFact[]) {
  const facts = firstOf(seen);
  const types = facts.map(({ type }) => type);
  const count = (type: string) => types.filter((one) => one === type).length;
  const seqs = facts.filter(isMessage).map(({ data }) => data.message.seq);
  const lost: string[] = [];
  const doubled: string[] = [];
  const misordered: string[] = [];
  const wrong = differing(seen).concat(facts.filter(isMessage).flatMap((fact) => misquoted(fact, all)));
  for (const type of ["chat.conversation.opened", "chat.conversation.closed"]) {
    const due = type.endsWith("closed") && conversation.status !== "closed" ? 0 : 1;
    if (count(type) < due) lost.push(type);
    if (count(type) > due) doubled.push(type);
  }
  const there = new Set(seqs);
  const stored = new Set(all.map(({ seq }) => seq));
  for (const seq of stored) if (!there.has(seq)) lost.push(`chat.message.sent of ${seq}`);
  if (there.size < seqs.length) doubled.push("chat.message.sent");
  for (const seq of there) if (!stored.has(seq)) doubled.push(`chat.message.sent of ${seq}, which is not there`);
  const inOrder = [...there].every((seq, index, seqs) => index === 0 || seq > (seqs[index - 1] ?? 0));
  if (!inOrder) misordered.push(`the messages ${seqs.join(", ")}`);
  if (types[0] !== "chat.conversation.opened") misordered.push(`${types[0]} is the first`);
  const closedAt = types.indexOf("chat.conversation.closed");
  const late = closedAt >= 0 && types.slice(closedAt).find((type) => type !== "chat.conversation.closed");
  if (late) misordered.push(`${late} after it was closed`);
  if (new Set(seen.map(({ partition }) => partition)).size > 1) misordered.push("in several partitions");
  const takers = new Set(facts.filter(({ type }) => type.endsWith("assigned")).map(holderIn));
  for (const agent of conversation.agents) if (!takers.has(agent)) lost.push(`chat.conversation.assigned to ${agent}`);
  return { lost, doubled, misordered, wrong };
}

/** A message that the history has otherwise. */
function misquoted({ data: { message } }: MessageFact, all: Talk["all"]): string[] {
  const there = all.find(({ seq }) => seq === message.seq);
  if (!there) return [];
  const { id, seq, kind, sender, text, createdAt } = there;
  return isDeepStrictEqual(message, { id, seq, kind, sender, text, createdAt })
    ? []
    : [`message ${seq} is another one`];
}

function differing(seen: readonly SeenFact[]): string[] {
  const first = new Map(firstOf(seen).map((fact) => [fact.id, fact]));
  return seen.flatMap((fact) => (isDeepStrictEqual(fact, first.get(fact.id)) ? [] : [`copies of ${fact.id} differ`]));
}
