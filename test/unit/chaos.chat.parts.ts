import { toCloudEvent } from "../../lib/events";
import type { Received } from "../../lib/topics/topics";
import type { ChatEventType } from "../../services/chat/chat.events";
import type { MessageView } from "../../services/chat/chat.schema";
import { check } from "../chaos/chat/checker";
import type { ChatEvidence, Talk } from "../chaos/chat/evidence";

/** What happens in a conversation: somebody takes or closes it, writes, or (`again`) what was written is there once more. */
export type Step = "close" | "again" | "skip a seq" | { take: string } | { by: string; kind?: "note" };

interface Forged extends Talk {
  facts: Received[];
}

const personOf = (id: string) => ({ id, name: id });

/** A conversation between `Kim`, its customer, and agents, as store and topic have it; a step in each second from the first on. */
export function aTalk(
  id: string,
  { partition, from }: { partition: number; from: number },
  steps: readonly Step[],
): Forged {
  const customer = personOf("Kim");
  const all: MessageView[] = [];
  const facts: Received[] = [];
  const agents = new Set<string>();
  let agent: { id: string; name: string } | null = null;
  let status: "queued" | "assigned" | "closed" = "queued";
  let lastSeq = 0;
  let second = from;
  const time = () => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

  function tell(type: ChatEventType, data: object): void {
    const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    const entry = { id: `${id}-${facts.length}`, type, time: time(), traceparent, data };
    const value = JSON.stringify(toCloudEvent(entry, id, { source: "/chat", origin: "http://localhost" }));
    facts.push({ topic: "chat-message", partition, offset: facts.length, key: id, value, headers: { traceparent } });
  }
  const tellOf = (type: ChatEventType) =>
    tell(type, { conversationId: id, conversation: { id, customer, agent, status, createdAt: time() } });

  function write(message: Omit<MessageView, "id" | "seq" | "conversationId" | "createdAt">): void {
    lastSeq += 1;
    const place = { id: `${id}-m${lastSeq}`, seq: lastSeq };
    const { kind, sender, text, clientMsgId } = message;
    const said = { ...place, kind, sender, text, createdAt: time() };
    all.push({ ...said, conversationId: id, clientMsgId });
    tell("chat.message.sent", {
      conversationId: id,
      customerId: customer.id,
      agentId: agent?.id ?? null,
      message: said,
    });
  }

  tellOf("chat.conversation.opened");
  for (const step of steps) {
    second += 1;
    const last = all.at(-1);
    if (step === "close") {
      status = "closed";
      tellOf("chat.conversation.closed");
    } else if (step === "skip a seq") lastSeq += 1;
    else if (step === "again") {
      if (last) write(last);
    } else if ("take" in step) {
      agent = personOf(step.take);
      agents.add(step.take);
      status = "assigned";
      tellOf("chat.conversation.assigned");
    } else {
      const { by, kind = "message" } = step;
      const sender = { ...personOf(by), role: by === customer.id ? ("customer" as const) : ("agent" as const) };
      write({ clientMsgId: `${id}-${second}`, kind, sender, text: `${by} at ${second}` });
    }
  }
  const shown = all.filter(({ kind }) => kind !== "note");
  const conversation = { _id: id, customer, agent, status, lastSeq, publicSeq: shown.at(-1)?.seq ?? 0 };
  return { conversation: { ...conversation, agents: [...agents] }, all, shown, facts };
}

/** One with a note, and one that is passed on while its first agent has both. */
const helped: Step[] = [{ by: "Kim" }, { take: "Lee" }, { by: "Lee", kind: "note" }, { by: "Lee" }, "close"];
const passedOn: Step[] = [{ take: "Lee" }, { by: "Kim" }, { take: "Park" }, { by: "Park" }, "close"];

/** A run with a conversation of these steps beside one that begins later, in which nothing went wrong but what they say. */
export function runOf(steps: readonly Step[] = helped, from = 1) {
  const talks = [aTalk("one", { partition: 0, from: 0 }, steps), aTalk("two", { partition: 1, from }, passedOn)];
  const written = talks.flatMap(({ all }) => all);
  const keptBy = (who: string, asAgent: boolean) =>
    talks.map(({ conversation, all, shown }) => ({
      who,
      asAgent,
      toTheEnd: true,
      conversationId: conversation._id,
      messages: asAgent ? all : shown,
    }));
  return {
    talks,
    acknowledged: written.filter((message, index) => written.findIndex((one) => isCopy(one, message)) === index),
    attempted: new Set(written.map(({ clientMsgId }) => clientMsgId)),
    problems: [] as string[],
    convergences: [
      { who: "Kim", at: 0, ms: 1000, disturbed: false, lacks: [] as string[] },
      { who: "Lee", at: 0, ms: 20_000, disturbed: true, lacks: [] as string[] },
    ],
    // Whoever had it off the screen has what was said until then.
    kept: [
      ...keptBy("Kim", false),
      ...keptBy("Lee", true).map((one) => ({ ...one, toTheEnd: false, messages: one.messages.slice(0, 1) })),
      ...keptBy("Park", true),
    ],
    watched: { looks: 9, violations: [] as string[], longestStuckMs: 5000, mostWaiting: 1 },
    messages: talks.flatMap(({ facts }) => facts),
    deadLetters: [] as Received[],
    holding: new Map<string, string[]>([["Lee", []]]),
    outbox: [] as string[],
    capacity: 2,
    deaths: [] as string[],
  } satisfies ChatEvidence;
}

const isCopy = (one: MessageView, other: MessageView) => one.clientMsgId === other.clientMsgId;

export type Run = ReturnType<typeof runOf>;

export const eventIn = (message: Received | undefined): { data: { message: object } } =>
  JSON.parse(message?.value ?? "");
export const rewritten = (message: Received, change: object): Received => ({
  ...message,
  value: JSON.stringify({ ...eventIn(message), ...change }),
});

const CONVERGED_MS = 1000;

/** The names of the checks that found something, with what. */
export const violated = (evidence: ChatEvidence) =>
  Object.fromEntries(
    check(evidence, CONVERGED_MS).flatMap(({ name, violations }) =>
      violations.length > 0 ? [[name.trim(), violations]] : [],
    ),
  );

/** By check all that it has to find, a part of each. */
export type Found = Record<string, string | string[]>;
/** A way to break a run, and what has to be found then, and nothing else. */
export type Broken = [what: string, breaks: (run: Run) => unknown, found: Found];

export const alter = <T>(items: T[], index: number, change: (item: T) => Partial<T>) =>
  items.splice(index, 1, ...items.slice(index, index + 1).map((item) => ({ ...item, ...change(item) })));
/** One more in the topic. */
export const add = ({ messages }: Run, index: number, change: (message: Received) => Partial<Received>) =>
  messages.push(...messages.slice(index, index + 1).map((one) => ({ ...one, offset: 99, ...change(one) })));
export const retell = (run: Run, index: number, change: object) =>
  alter(run.messages, index, (one) => rewritten(one, { data: { ...eventIn(one).data, ...change } }));
export const swap = ({ messages }: Run, index: number) => {
  alter(messages, index, ({ offset }) => ({ offset: offset + 1 }));
  alter(messages, index + 1, ({ offset }) => ({ offset: offset - 1 }));
};

export function findsEach(rows: readonly Broken[], steps?: Step[]): void {
  it.each(rows)("%s", (_, breaks, found) => {
    const run = runOf(steps);
    breaks(run);
    expect(violated(run)).toEqual(all(found));
  });
}

export const all = (found: Found) =>
  Object.fromEntries(
    Object.entries(found).map(([name, texts]) => [name, [texts].flat().map((text) => expect.stringContaining(text))]),
  );
