/** What is published: `key` decides the partition, so that what has one key is read in the order it was published in. */
export interface Message {
  key: string;
  value: string;
  headers: Record<string, string>;
  /** Key and value as they came, where they are not text; what is passed on has them as they were. */
  bytes?: Bytes;
}

export interface Bytes {
  key: Buffer | null;
  value: Buffer | null;
}

export interface Received extends Message {
  topic: string;
  partition: number;
  /** Grows within a partition. */
  offset: number;
}

export interface Reader {
  topic: string;
  /** Each message goes to one reader of each group. A group that is new begins with the oldest message there is. */
  group: string;
  /**
   * Resolves when the message has had its effect; from then on it may be forgotten. Messages of one key come one after
   * the other, of different keys at once. What it rejects comes again, to this reader or another one, as does whatever a
   * reader that died had not finished. `signal` ends waiting when the reader is closed.
   * Whoever waits before another try does it with `pause`, in milliseconds: others have their turn meanwhile.
   */
  handle: (message: Received, signal: AbortSignal, pause: Pause) => Promise<void>;
}

export type Pause = (ms: number) => Promise<void>;

export interface Subscription {
  /** Why it will never read again by itself; undefined while it reads, or waits for a server that is away. */
  readonly failure: Error | undefined;
  /** Ends reading, waits some 2 s at most for what is being handled, and remembers how far it came. */
  close(): Promise<void>;
}

/**
 * Append-only topics with groups of readers: at least once, in order per key. Kafka or, embedded, files under `DATA_DIR`;
 * one contract suite holds for both. Topics are made at their first use.
 */
export interface Topics {
  /**
   * Resolves when all are stored, in order per key; rejects, within some seconds, where that is not certain, and at once
   * when aborted or closed. With Kafka it may throw {@link MessageTooLarge}.
   */
  publish(topic: string, messages: Message[], signal?: AbortSignal): Promise<void>;
  /** Reads from now on, as soon as the server can be reached and whenever it is back. */
  subscribe(reader: Reader): Subscription;
  /** The oldest messages, at most `limit`, that the group has not been moved past; nobody's position changes. */
  peek(topic: string, group: string, limit: number): Promise<Received[]>;
  /**
   * The messages of one key, oldest first, of those published since then (RFC 3339) and kept; at most `limit` messages of
   * the key's partition are looked at. Empty where there is no such topic.
   */
  ofKey(topic: string, key: string, since: string, limit: number): Promise<Received[]>;
  /** Moves a group that nobody reads with past this message of its partition. */
  movePast(group: string, message: Pick<Received, "topic" | "partition" | "offset">): Promise<void>;
  /** How many messages the group has still to handle. */
  lag(topic: string, group: string): Promise<number>;
  /** Rejects, within a second or so, when nothing can be published. */
  ping(): Promise<void>;
  /** Closes every subscription as well, all within some 2 s, and rejects what is being published. */
  close(): Promise<void>;
}

export interface TopicOptions {
  /** Of a topic that is made; the dead letters' have one. */
  partitions: number;
  /** Copies of each message (Kafka). */
  replication: number;
  /** How long a message is kept, in milliseconds; dead letters four times as long. */
  retentionMs: number;
}

/** How many times as long as others dead letters are kept. */
export const DEAD_LETTERS_KEPT = 4;

/** Milliseconds in which an event may come again: from its topic, and sent again from the dead letters. */
export const comesAgainWithin = (retentionMs: number): number => (1 + DEAD_LETTERS_KEPT) * retentionMs;

/** The topic takes no message of this size, however often it is published. */
export class MessageTooLarge extends Error {
  override readonly name = "MessageTooLarge";
  readonly code = "MESSAGE_TOO_LARGE";

  constructor(topic: string, key: string, bytes: number) {
    super(`${topic} takes no message of ${bytes} bytes (its key is ${key})`);
  }
}

/** Where what could not be handled goes. */
export const deadLettersOf = (topic: string): string => `${topic}.dlq`;
export const isDeadLetters = (topic: string): boolean => topic.endsWith(".dlq");
