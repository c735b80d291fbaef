import { ServiceBroker } from "moleculer";
import { readEnvironment } from "../../lib/environment";
import { KafkaTopics } from "../../lib/topics/kafka";
import type { Received, Topics } from "../../lib/topics/topics";

/** A group that nobody moves: it sees a topic from its beginning. */
const CHECKER = "chaos-checker";
const EVERYTHING = 1_000_000;
const LOOKS = 5;

/** The topics of the nodes with this environment. */
export function topicsOf(environment: Record<string, string>): KafkaTopics {
  const { kafkaBrokers: brokers, topics, namespace } = readEnvironment(environment);
  // Only for its logger; by itself it would end this process at a signal.
  const { logger } = new ServiceBroker({ logger: false, skipProcessEventRegistration: true });
  return new KafkaTopics({ ...topics, brokers, namespace, logger });
}

/** All of a topic; a busy machine may need more than the moment that a look has. */
export async function readAll(topics: Topics, topic: string): Promise<Received[]> {
  for (let tries = 1; ; tries++) {
    try {
      return await topics.peek(topic, CHECKER, EVERYTHING);
    } catch (error) {
      if (tries === LOOKS) throw error;
    }
  }
}

/** How many events are in a topic once more. */
export const copiesIn = (messages: readonly Received[]): number =>
  messages.length - new Set(messages.map(({ value }) => value)).size;
