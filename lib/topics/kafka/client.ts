import { connect, type Socket } from "node:net";
import type { Kafka, KafkaMessage, LogEntry, PartitionAssigner, RetryOptions } from "kafkajs";
import type { ServiceBroker } from "moleculer";

import type { Received } from "../topics";

export type { Admin, Consumer, EachBatchPayload, Producer } from "kafkajs";

export interface ClientOptions {
  brokers: string[];
  logger: ServiceBroker["logger"];
  /** Milliseconds that a broker has to answer. */
  requestMs: number;
  /** Milliseconds to connect. */
  connectMs?: number;
  retry: RetryOptions;
}

export interface KafkaClient {
  kafka: Kafka;
  /** Ends its connections whatever is under way, and lets it open no more. */
  destroy(): void;
}

/** What kafkajs keeps about the requests of one connection. */
interface RequestQueue {
  pending: unknown[];
  throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}

let library: typeof import("kafkajs") | undefined;

/** Loaded at its first use, as an embedded shop has none. */
function kafkajs() {
  if (library) return library;
  library = require("kafkajs") as typeof import("kafkajs");
  const { prototype } = require("kafkajs/src/network/requestQueue") as { prototype: RequestQueue };
  const schedule = prototype.scheduleCheckPendingRequests;
  // kafkajs 2.2.4 arms this timer whether anything waits or not, with a delay below zero: 900 times a second when idle.
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0 || this.throttledUntil > Date.now()) schedule.call(this);
  };
  return library;
}

/** A client of its own for each purpose, which can be thrown away with all its connections. */
export function openClient({ brokers, logger, requestMs, connectMs = 2000, retry }: ClientOptions): KafkaClient {
  const { Kafka, logLevel } = kafkajs();
  const sockets = new Set<Socket>();
  let destroyed = false;
  const kafka = new Kafka({
    clientId: "shop",
    brokers,
    requestTimeout: requestMs,
    connectionTimeout: connectMs,
    retry,
    logLevel: logLevel.WARN,
    // It says the same many times over in an outage, which is told once elsewhere.
    logCreator: () => (entry) => {
      if (!destroyed) logger.debug(lineOf(entry));
    },
    socketFactory({ host, port, onConnect }) {
      if (destroyed) throw new Error("the client is closed");
      const socket = connect({ host, port, noDelay: true, keepAlive: true }, onConnect);
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      return socket;
    },
  });
  return {
    kafka,
    destroy() {
      destroyed = true;
      // With an error, as kafkajs hears of nothing else and would wait for answers.
      for (const socket of sockets) socket.destroy(new Error("the client is closed"));
    },
  };
}

const lineOf = ({ namespace, log }: LogEntry) =>
  `kafkajs ${namespace}: ${log.message}${log.error ? ` (${String(log.error)})` : ""}`;

const isText = (bytes: Buffer | null) => bytes !== null && Buffer.from(bytes.toString()).equals(bytes);

/** Whoever wrote it: what has no key, value or headers has empty ones, beside the bytes as they were. */
export function receivedOf(topic: string, partition: number, message: KafkaMessage): Received {
  const { key, value, headers = {}, offset } = message;
  const bytes = { key: key ?? null, value };
  return {
    topic,
    partition,
    offset: Number(offset),
    ...(!(isText(bytes.key) && isText(bytes.value)) && { bytes }),
    key: key?.toString() ?? "",
    value: value?.toString() ?? "",
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text ?? "")])),
  };
}

/** The partition that Java's clients choose, too. */
export const keyPartitioner = () => kafkajs().Partitioners.DefaultPartitioner();

/** Where messages of a key are, of so many partitions. */
export const partitionOf = (topic: string, key: string, partitions: number): number =>
  keyPartitioner()({
    topic,
    partitionMetadata: Array.from({ length: partitions }, (_, partitionId) => ({
      ...{ partitionErrorCode: 0, partitionId, leader: 0, replicas: [], isr: [] },
    })),
    message: { key, value: null },
  });

export interface Joining {
  groupId: string;
  /** Waited for whenever the group is about to be joined, again too: kafkajs itself waits for nothing that is handled. */
  before: () => Promise<void>;
  /** A member that could not say that it leaves: the group would wait for it until its session ends. */
  predecessor: string | undefined;
}

interface Leaving {
  leaveGroup(leaving: { groupId: string; memberId: string }): Promise<unknown>;
}

/** Shares a topic's partitions round robin, and has a word in joining, which begins with finding the coordinator. */
export function assignerWith({ groupId, before, predecessor }: Joining): PartitionAssigner {
  let memberId = predecessor;
  return (config) => {
    const { cluster } = config;
    const find = cluster.findGroupCoordinator.bind(cluster);
    cluster.findGroupCoordinator = async (group) => {
      await before();
      const coordinator = await find(group);
      if (memberId) {
        // The types leave it out.
        const leaving = coordinator as typeof coordinator & Leaving;
        await leaving.leaveGroup({ groupId, memberId }).catch((error) => {
          if (!isOf(error, "UNKNOWN_MEMBER_ID")) throw error;
        });
        memberId = undefined;
      }
      return coordinator;
    };
    return kafkajs().PartitionAssigners.roundRobin(config);
  };
}

const FINAL_TYPES = new Set([
  "INCONSISTENT_GROUP_PROTOCOL",
  "INVALID_GROUP_ID",
  "INVALID_SESSION_TIMEOUT",
  "INVALID_TOPIC_EXCEPTION",
  "INVALID_CONFIG",
  "POLICY_VIOLATION",
  "TOPIC_AUTHORIZATION_FAILED",
  "GROUP_AUTHORIZATION_FAILED",
  "CLUSTER_AUTHORIZATION_FAILED",
  "UNSUPPORTED_VERSION",
]);
const FINAL_NAMES = new Set([
  "KafkaJSNonRetriableError",
  "KafkaJSNotImplemented",
  "KafkaJSServerDoesNotSupportApiKey",
  "KafkaJSSASLAuthenticationError",
]);

/** Whether the answer stays the same however often Kafka is asked again. */
export const isFinal = (error: unknown): boolean =>
  rootsOf(error).some(({ type, name }) => FINAL_TYPES.has(type) || FINAL_NAMES.has(name));

export const isUnknownTopic = (error: unknown): boolean => isOf(error, "UNKNOWN_TOPIC_OR_PARTITION");

/** Whether the partition's leader is being chosen: it will take what this answer refused. */
export const isLeaderless = (error: unknown): boolean =>
  isOf(error, "LEADER_NOT_AVAILABLE") || isOf(error, "NOT_LEADER_FOR_PARTITION");

/** Whether it is more at once, or in one message, than the topic takes. */
export const isTooLarge = (error: unknown): boolean =>
  isOf(error, "MESSAGE_TOO_LARGE") || isOf(error, "RECORD_LIST_TOO_LARGE");

/** Whether Kafka says that it is about to know, as of what was just made or has just started. */
export const isPassing = (error: unknown): boolean =>
  // What kafkajs runs into where it found no broker to ask for metadata.
  error instanceof TypeError || rootsOf(error).some(({ type, retriable }) => type !== "" && retriable);

const isOf = (error: unknown, wanted: string): boolean => rootsOf(error).some(({ type }) => type === wanted);

interface Root {
  /** Kafka's name for it, of what Kafka answered. */
  type: string;
  name: string;
  retriable: boolean;
}

/** What an error goes back to: kafkajs wraps them, and gathers those of several topics. */
function rootsOf(error: unknown): Root[] {
  if (!(error instanceof Error)) return [];
  const { errors = [], type = "", retriable = false } = error as Error & Partial<Root> & { errors?: unknown[] };
  if (errors.length > 0) return errors.flatMap(rootsOf);
  return error.cause instanceof Error ? rootsOf(error.cause) : [{ type, name: error.name, retriable }];
}
