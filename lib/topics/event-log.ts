import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ServiceBroker } from "moleculer";
import { MODES } from "../store/files";
import { type DirectoryLock, lockDirectory } from "../store/lock";
import { LogSubscription } from "./log-subscription";
import { TopicLog } from "./topic-log";
import { isDeadLetters, type Message, type Reader, type Received, type TopicOptions, type Topics } from "./topics";

export interface EventLogOptions extends TopicOptions {
  directory: string;
  logger: ServiceBroker["logger"];
  /** Bytes of a file after which another one begins. */
  segmentBytes?: number;
  /** Milliseconds between two looks for files that are too old. */
  cleanEveryMs?: number;
}

const SEGMENT_BYTES = 16 * 1024 * 1024;
const CLEAN_EVERY_MS = 60_000;
/** Bytes that {@link EventLog.ping} tries to write where writing had failed. */
const PROBE_BYTES = 64 * 1024;

/**
 * The embedded topics: files under one folder, which belongs to one process at a time. A message is with the operating
 * system when its promise resolves, as the embedded store's writes are. Every topic has one partition.
 */
export class EventLog implements Topics {
  private lock: DirectoryLock | undefined;
  private cleaning: NodeJS.Timeout | undefined;
  private closed: Promise<void> | undefined;
  /** Of the last append, where it failed. */
  private failure: unknown;
  private readonly logs = new Map<string, Promise<TopicLog>>();
  private readonly subscriptions = new Set<LogSubscription>();
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(private readonly options: EventLogOptions) {}

  async publish(topic: string, messages: Message[], signal?: AbortSignal): Promise<void> {
    const log = await this.log(topic);
    signal?.throwIfAborted();
    if (messages.length === 0) return;
    try {
      log.append(messages);
      this.failure = undefined;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  subscribe(reader: Reader): LogSubscription {
    this.enter();
    const lane = `${named(reader.topic)}/${named(reader.group)}`;
    const turn = this.turns.get(lane) ?? Promise.resolve();
    const { logger } = this.options;
    const subscription = new LogSubscription({ reader, logger, turn, open: () => this.log(reader.topic) });
    this.turns.set(lane, Promise.all([turn, subscription.ended]));
    this.subscriptions.add(subscription);
    void subscription.ended.then(() => this.subscriptions.delete(subscription));
    return subscription;
  }

  async peek(topic: string, group: string, limit: number): Promise<Received[]> {
    const found = await (await this.log(topic)).peek(named(group), limit);
    return found.map(({ time, ...message }) => ({ ...message, topic, partition: 0 }));
  }

  async ofKey(topic: string, key: string, since: string, limit: number): Promise<Received[]> {
    const found = await (await this.log(topic)).ofKey(key, Date.parse(since), limit);
    return found.map(({ time, ...message }) => ({ ...message, topic, partition: 0 }));
  }

  async movePast(group: string, { topic, partition, offset }: Pick<Received, "topic" | "partition" | "offset">) {
    const log = await this.log(topic);
    if (partition !== 0) throw new RangeError(`${topic} has no partition ${partition}`);
    for (const subscription of this.subscriptions)
      if (subscription.isOf(topic, group)) throw new Error(`${group} is reading ${topic}`);
    const position = log.position(named(group));
    position.advance(Math.min(offset + 1, log.segments.end));
    position.save();
  }

  async lag(topic: string, group: string): Promise<number> {
    return (await this.log(topic)).lag(named(group));
  }

  async ping(): Promise<void> {
    this.enter();
    if (this.failure === undefined) return;
    // Who hears that nothing can be published publishes nothing, so that no append would tell when it can.
    const probe = join(this.options.directory, "PROBE");
    try {
      writeFileSync(probe, Buffer.alloc(PROBE_BYTES), { mode: MODES.fileMode });
    } finally {
      rmSync(probe, { force: true });
    }
  }

  close(): Promise<void> {
    this.closed ??= this.end();
    return this.closed;
  }

  private async end(): Promise<void> {
    clearInterval(this.cleaning);
    await Promise.all([...this.subscriptions].map((subscription) => subscription.close()));
    for (const opened of await Promise.allSettled(this.logs.values()))
      if (opened.status === "fulfilled") opened.value.close();
    this.lock?.release();
  }

  private log(topic: string): Promise<TopicLog> {
    this.enter();
    const known = this.logs.get(topic);
    if (known) return known;
    const { directory, retentionMs, segmentBytes = SEGMENT_BYTES, logger } = this.options;
    const opening = TopicLog.open(join(directory, named(topic)), {
      segmentBytes,
      retentionMs: isDeadLetters(topic) ? 4 * retentionMs : retentionMs,
      logger,
    });
    this.logs.set(topic, opening);
    opening.then(
      (log) => this.clean(log),
      () => this.logs.delete(topic),
    );
    return opening;
  }

  /** Takes the folder, once. Throws where another process has it. */
  private enter(): void {
    const { directory, cleanEveryMs = CLEAN_EVERY_MS } = this.options;
    if (this.closed) throw new Error(`${directory} is closed`);
    if (this.lock) return;
    mkdirSync(directory, { recursive: true, mode: MODES.dirMode });
    this.lock = lockDirectory(directory);
    const cleanAll = () => {
      for (const log of this.logs.values()) log.then((opened) => this.clean(opened)).catch(() => undefined);
    };
    this.cleaning = setInterval(cleanAll, cleanEveryMs).unref();
  }

  private clean(log: TopicLog): void {
    try {
      log.segments.dropOld();
    } catch (error) {
      this.options.logger.warn(`${log.segments.directory} could not be cleaned: ${error}`);
    }
  }
}

/** Throws where it could not be the name of a file; Kafka takes the same characters. */
function named(name: string): string {
  if (!/^[\w.-]{1,200}$/.test(name) || /^\.+$/.test(name))
    throw new TypeError(`not a topic's or group's name: ${name}`);
  return name;
}
