import { deadLettersOf, type Message, type Received, type Topics } from "./topics";

/** What a letter says about itself, beside the headers that its message had. */
export const LETTER_HEADERS = {
  topic: "x-origin-topic",
  partition: "x-origin-partition",
  offset: "x-origin-offset",
  group: "x-group",
  attempts: "x-attempts",
  error: "x-error",
} as const;

/** Characters of an error that a letter keeps. */
const ERROR_LENGTH = 500;

const oneLine = (error: unknown): string =>
  String(error)
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim()
    .slice(0, ERROR_LENGTH)
    .toWellFormed();

/** What could not be handled, for the dead letters of its topic: key, value and headers as they were, and why. */
export const deadLetter = (
  { topic, partition, offset, key, value, bytes, headers }: Received,
  { group, attempts, error }: { group: string; attempts: number; error: unknown },
): Message => ({
  key,
  value,
  ...(bytes && { bytes }),
  headers: {
    ...headers,
    [LETTER_HEADERS.topic]: topic,
    [LETTER_HEADERS.partition]: String(partition),
    [LETTER_HEADERS.offset]: String(offset),
    [LETTER_HEADERS.group]: group,
    [LETTER_HEADERS.attempts]: String(attempts),
    [LETTER_HEADERS.error]: oneLine(error),
  },
});

/** A letter that is too large to be written, with the size of its value in its place. */
export const withoutValue = ({ key, value, headers, bytes }: Message): Message => ({
  key,
  value: "",
  ...(bytes && { bytes: { key: bytes.key, value: null } }),
  headers: { ...headers, "x-value-bytes": String(bytes?.value?.length ?? Buffer.byteLength(value)) },
});

/** A dead letter that waits for somebody to decide about it. */
export interface Letter {
  /** The same for every copy of it, wherever that stands. */
  id: string;
  origin: { topic: string; partition: string; offset: string };
  group: string;
  attempts: string;
  error: string;
  /** What of its value could be read as a CloudEvent. */
  event: { time?: string; type?: string; subject?: string };
  /** As it stood in its topic. */
  message: Message;
  /** All of the letter's, the message's own among them. */
  headers: Record<string, string>;
}

/** Its position in the dead letters is how far they are settled. */
const GROUP = "dead-letters";
/** Letters that are looked at, at most; what is behind them has its turn when they are settled. */
const WINDOW = 10_000;

const OWN_HEADERS: ReadonlySet<string> = new Set(Object.values(LETTER_HEADERS));

function eventIn(value: string): Letter["event"] {
  try {
    const { time, type, subject } = JSON.parse(value) as Record<string, unknown>;
    return Object.fromEntries(Object.entries({ time, type, subject }).filter(([, text]) => typeof text === "string"));
  } catch {
    return {};
  }
}

/** A message to be published as it was received. */
const asItWas = ({ key, value, headers, bytes }: Message): Message => ({
  key,
  value,
  headers,
  ...(bytes && { bytes }),
});

function letterOf(received: Received): Letter {
  const { topic, partition, offset, value, headers } = received;
  const said = (name: keyof typeof LETTER_HEADERS, otherwise: unknown) =>
    headers[LETTER_HEADERS[name]] ?? `${otherwise}`;
  // One that somebody else put there is told apart by its own place, and has no other topic to go to.
  const origin = {
    topic: said("topic", topic.replace(/\.dlq$/, "")),
    partition: said("partition", partition),
    offset: said("offset", offset),
  };
  const group = said("group", "");
  const kept = Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name));
  return {
    id: JSON.stringify([group, origin]),
    origin,
    group,
    attempts: said("attempts", ""),
    error: said("error", ""),
    event: eventIn(value),
    message: asItWas({ ...received, headers: Object.fromEntries(kept) }),
    headers,
  };
}

/** Sorts by time, then by place; what says no time comes last. */
const rank = ({ event, origin, group }: Letter): string =>
  [event.time ?? "~", origin.partition.padStart(10), origin.offset.padStart(20), group].join(" ");

/** Each origin message once, however many groups could not handle it, and in the order it stood there. */
function resent(letters: Letter[]): Map<string, Message[]> {
  const places = new Map(letters.map(({ origin, message }) => [JSON.stringify(origin), { origin, message }]));
  const inOrder = [...places.values()].sort(
    ({ origin: a }, { origin: b }) => Number(a.partition) - Number(b.partition) || Number(a.offset) - Number(b.offset),
  );
  return new Map(
    [...Map.groupBy(inOrder, ({ origin }) => origin.topic)].map(([topic, sent]) => [
      topic,
      sent.map(({ message }) => message),
    ]),
  );
}

export interface DeadLetters {
  /** What waits, oldest first, each once; `more` where not all could be looked at. */
  list(): Promise<{ letters: Letter[]; more: boolean }>;
  /** Sends the letters with these ids to the topic that they come from, where all groups get them again. */
  resend(ids: ReadonlySet<string>): Promise<Letter[]>;
  /** Takes the letters with these ids away. */
  drop(ids: ReadonlySet<string>): Promise<Letter[]>;
}

/**
 * The dead letters of a topic. What `resend` and `drop` resolve with was still there and is not any more; a death on the
 * way repeats letters and loses none.
 */
export function deadLettersIn(topics: Topics, topic: string): DeadLetters {
  const letters = deadLettersOf(topic);
  const waiting = () => topics.peek(letters, GROUP, WINDOW);
  const once = (found: Received[]) => new Map(found.map((received) => [letterOf(received).id, received]));

  /** A group has one position: what it moves past is written anew behind it where nobody decided about it yet. */
  async function settle(ids: ReadonlySet<string>, publish: (chosen: Letter[]) => Promise<void>): Promise<Letter[]> {
    const found = await waiting();
    const last = found.findLastIndex((received) => ids.has(letterOf(received).id));
    if (last < 0) return [];
    const passed = [...once(found.slice(0, last + 1))];
    const chosen = passed.flatMap(([id, received]) => (ids.has(id) ? letterOf(received) : []));
    const behind = once(found.slice(last + 1));
    const kept = passed.flatMap(([id, received]) => (ids.has(id) || behind.has(id) ? [] : asItWas(received)));
    await publish(chosen);
    if (kept.length > 0) await topics.publish(letters, kept);
    const furthest = new Map(found.slice(0, last + 1).map((received) => [received.partition, received]));
    for (const received of furthest.values()) await topics.movePast(GROUP, received);
    return chosen;
  }

  return {
    async list() {
      const found = await waiting();
      const sorted = [...once(found).values()].map(letterOf).sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
      return { letters: sorted, more: found.length === WINDOW };
    },
    resend: (ids) =>
      settle(ids, async (chosen) => {
        for (const [origin, messages] of resent(chosen)) await topics.publish(origin, messages);
      }),
    drop: (ids) => settle(ids, async () => undefined),
  };
}
