import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "mongoose";
import { deadLettersOf, type Topics } from "../../../lib/topics/topics";
import { chatEvents } from "../../../services/chat/chat.events";
import type { MessageView } from "../../../services/chat/chat.schema";
import { expectStatus } from "../../e2e/shop";
import type { PatientShop } from "../patient";
import { readAll } from "../topics";
import type { ChatEvidence, StoredConversation, Talk } from "./evidence";
import type { StoredAgent } from "./watch";

/** The consumer that is waited for. */
const GROUP = "notification";
const AT_ONCE = 8;
const TOPICS = [chatEvents.topic, "order-event"];

export interface Sources {
  shop: PatientShop;
  mongo: Connection;
  topics: Topics;
  /** An agent's or admin's token, and the customers' by id. */
  agentToken: () => string;
  tokenOf: (customerId: string) => string;
}

type Collected = Pick<ChatEvidence, "talks" | "messages" | "deadLetters" | "holding" | "outbox">;

/** Where the evidence comes from: the shop's API, the topics, and for what neither shows the store. */
export class ChatCollector {
  constructor(private readonly from: Sources) {}

  /** Resolves when everything has come to rest, or after `ms` with what has not. */
  async settle(ms: number, signal: AbortSignal): Promise<string[]> {
    for (const end = Date.now() + ms; ; ) {
      signal.throwIfAborted();
      const left = await this.left().catch((error: unknown) => [`it cannot be told: ${String(error)}`]);
      if (left.length === 0 || Date.now() > end) return left;
      await sleep(500);
    }
  }

  async evidence(): Promise<Collected> {
    const conversations = await this.conversations().find().toArray();
    const talks: Talk[] = [];
    const waiting = conversations.values();
    const worker = async () => {
      for (const conversation of waiting)
        talks.push({
          conversation,
          shown: await this.history(conversation._id, this.from.tokenOf(conversation.customer.id)),
          all: await this.history(conversation._id, this.from.agentToken()),
        });
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    const dead = await Promise.all(TOPICS.map((topic) => readAll(this.from.topics, deadLettersOf(topic))));
    return {
      talks,
      messages: await readAll(this.from.topics, chatEvents.topic),
      deadLetters: dead.flat(),
      holding: await this.holding(),
      outbox: conversations.filter(({ outbox = [] }) => outbox.length > 0).map(({ _id }) => _id),
    };
  }

  private conversations() {
    return this.from.mongo.collection<StoredConversation>("chat_conversations");
  }

  private async holding(): Promise<Map<string, string[]>> {
    const agents = await this.from.mongo.collection<StoredAgent>("chat_agents").find().toArray();
    return new Map(agents.map(({ _id, holding }) => [_id, Object.keys(holding)]));
  }

  private async left(): Promise<string[]> {
    const { topics } = this.from;
    const [outbox, work, lag, held] = await Promise.all([
      this.conversations().countDocuments({ outboxLast: { $gt: "" } }),
      this.conversations().countDocuments({ work: { $exists: true } }),
      topics.lag(chatEvents.topic, GROUP),
      this.holding(),
    ]);
    const figures = {
      "conversations have events waiting": outbox,
      "conversations have something left to do": work,
      [`messages are before the group ${GROUP}`]: lag,
      "places are taken": [...held.values()].flat().length,
    };
    return Object.entries(figures).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : []));
  }

  private async history(id: string, token: string): Promise<MessageView[]> {
    const all: MessageView[] = [];
    for (;;) {
      const path = `/conversations/${id}/messages?limit=100&afterSeq=${all.at(-1)?.seq ?? 0}`;
      const answer = await this.from.shop.call<{ items: MessageView[]; more: boolean }>("GET", path, { token });
      const { items, more } = expectStatus(answer, 200);
      all.push(...items);
      if (!more) return all;
    }
  }
}
