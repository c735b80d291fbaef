import type { ServiceBroker } from "moleculer";
import { within } from "../../time";
import type { Reader } from "../topics";
import type { Slots } from "../window";
import { Assignment } from "./assignment";
import { assignerWith, type Consumer, type KafkaClient } from "./client";

const SESSION_MS = 10_000;
/** Others of the group wait so long for a member to let go of what it handles. */
const REBALANCE_MS = 20_000;
const LET_GO_MS = 15_000;
/** What leaving may take, and how much of that handlers have to end. */
const LEAVING = {
  // The node has 10 s for all that it ends.
  closed: { ms: 2200, handlersMs: 1400 },
  crashed: { ms: 8000, handlersMs: 4000 },
};
/** A request that the library loses leaves its consumer waiting for ever: no sign of life for so long is a crash, too. */
const SILENCE_MS = 60_000;

export interface MemberOptions {
  reader: Reader;
  /** As Kafka knows them. */
  names: { topic: string; group: string };
  logger: ServiceBroker["logger"];
  slots: Slots;
  /** The id of the one before, for which the group may still be waiting. */
  predecessor: string | undefined;
  joined: () => void;
}

/** One consumer in its group, until it is of no use any more. */
export class Member {
  /** The group's name for it. */
  id: string | undefined;
  private readonly consumer: Consumer;
  private readonly crash = Promise.withResolvers<never>();
  private started: Promise<void> | undefined;
  private assignment: Assignment;
  private seen = Date.now();
  private leaving = false;

  constructor(
    private readonly client: KafkaClient,
    private readonly options: MemberOptions,
  ) {
    this.assignment = this.unassigned();
    this.consumer = this.consumerOf(client);
    this.crash.promise.catch(() => undefined);
  }

  /** Rejects when it cannot go on. */
  async read(): Promise<never> {
    const watch = setInterval(() => this.check(), SILENCE_MS / 10).unref();
    this.started = this.start(this.options.names.topic);
    try {
      await Promise.race([this.started, this.crash.promise]);
      return await this.crash.promise;
    } finally {
      clearInterval(watch);
    }
  }

  /** Lets go of everything. */
  async leave(why: keyof typeof LEAVING): Promise<void> {
    const { ms, handlersMs } = LEAVING[why];
    this.leaving = true;
    const left = async () => {
      await this.assignment.end(handlersMs);
      // One that is about to join cannot say that it leaves, and the group would wait for it.
      await within(ms / 3, () => this.started).catch(() => undefined);
      await this.consumer.disconnect();
    };
    await within(ms, left).catch(() => undefined);
    this.client.destroy();
  }

  private async start(topic: string): Promise<void> {
    await this.consumer.connect();
    await this.consumer.subscribe({ topics: [topic], fromBeginning: true });
    await this.consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async (batch) => {
        if (!this.leaving) this.assignment.take(batch);
      },
    });
  }

  private consumerOf({ kafka }: KafkaClient): Consumer {
    const { names, predecessor } = this.options;
    const assigner = assignerWith({ groupId: names.group, before: () => this.letGo(), predecessor });
    const consumer = kafka.consumer({
      groupId: names.group,
      partitionAssigners: [assigner],
      sessionTimeout: SESSION_MS,
      rebalanceTimeout: REBALANCE_MS,
      heartbeatInterval: 2000,
      maxWaitTimeInMs: 250,
      maxBytesPerPartition: 256 * 1024,
      allowAutoTopicCreation: false,
      // A crash ends this one: its successor begins with nothing of it.
      retry: { restartOnFailure: async () => false },
    });
    const { CRASH, FETCH, GROUP_JOIN, HEARTBEAT } = consumer.events;
    const alive = () => {
      this.seen = Date.now();
    };
    consumer.on(FETCH, alive);
    consumer.on(HEARTBEAT, alive);
    consumer.on(CRASH, ({ payload }) => this.crash.reject(payload.error));
    consumer.on(GROUP_JOIN, ({ payload }) => {
      alive();
      this.id = payload.memberId;
      this.options.joined();
    });
    return consumer;
  }

  private async letGo(): Promise<void> {
    const { assignment } = this;
    this.assignment = this.unassigned();
    await assignment.end(LET_GO_MS);
  }

  private unassigned(): Assignment {
    const { reader, logger, slots } = this.options;
    return new Assignment(reader, logger, slots);
  }

  private check(): void {
    if (Date.now() - this.seen > SILENCE_MS) this.crash.reject(new Error("the consumer fell silent"));
  }
}
