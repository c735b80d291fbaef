import { toCloudEvent } from "../../lib/events";
import type { Received } from "../../lib/topics/topics";
import type { ChatEventType } from "../../services/chat/chat.events";
import type { MessageView } from "../../services/chat/chat.schema";
import type { ChatEvidence, Talk } from "../chaos/chat/evidence";

/** What happens in a conversation: somebody takes or closes it, writes, or (`again`) what was written is there once more. */
export type Step = "close" | "again" | "skip a seq" | { take: string } | { by: string; kind?: "note" };

interface Forged extends Talk {
  facts: Received[];
}

const personOf = (id: string) => ({ id, name: id });

/** A conversation between `Kim`, its customer, and agents, as store and topic have it; a step in each second from the first on. */
export function aTalk(id: string, { partition, from }: { partition: number; from: number }, ...steps: Step[]): Forged {
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

/** A run with these conversations beside one that was passed on, in which nothing went wrong that is not in their steps. */
export function runOf(...steps: Step[]) {
  const talks = [
    aTalk("one", { partition: 0, from: 0 }, ...steps),
    aTalk("two", { partition: 1, from: 1 }, ...passedOn),
  ];
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
      { who: "Kim", ms: 1000, disturbed: false, lacks: [] as string[] },
      { who: "Lee", ms: 20_000, disturbed: true, lacks: [] as string[] },
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
export const faultless = (): Run => runOf(...helped);

export const eventIn = (message: Received | undefined): { data: { message: object } } =>
  JSON.parse(message?.value ?? "");
export const rewritten = (message: Received, change: object): Received => ({
  ...message,
  value: JSON.stringify({ ...eventIn(message), ...change }),
});
