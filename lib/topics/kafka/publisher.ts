import type { Message } from "../topics";
import { TopicPublisher, type TopicPublisherOptions } from "./topic-publisher";

/** Publishes with a producer for each topic: a partition that has no leader holds up no other topic. */
export class Publisher {
  private readonly publishers = new Map<string, TopicPublisher>();
  private closed = false;

  constructor(
    private readonly open: TopicPublisherOptions["open"],
    private readonly topics: TopicPublisherOptions["topics"],
    private readonly outage: TopicPublisherOptions["outage"],
  ) {}

  async publish(topic: string, messages: readonly Message[], signal?: AbortSignal): Promise<void> {
    if (this.closed) throw new Error("the topics are closed");
    await this.of(topic).publish(messages, signal);
  }

  /** What is being published is rejected. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.publishers.values()].map((publisher) => publisher.close()));
  }

  private of(topic: string): TopicPublisher {
    const known = this.publishers.get(topic);
    if (known) return known;
    const { open, topics, outage } = this;
    const publisher = new TopicPublisher({ topic, open, topics, outage });
    this.publishers.set(topic, publisher);
    return publisher;
  }
}
