import { ServiceBroker } from "moleculer";
import { KafkaTopics } from "../../lib/topics/kafka";
import { topicsContract } from "../integration/topics.contract";
import { withServers } from "./servers";

const { logger } = new ServiceBroker({ logger: false });
const options = { partitions: 6, replication: 1, retentionMs: 3_600_000, logger };

withServers(["kafka"], "Kafka as the topics", ({ KAFKA_BROKERS = "", NAMESPACE: namespace = "" }) => {
  topicsContract(() => new KafkaTopics({ ...options, brokers: KAFKA_BROKERS.split(","), namespace }));
});
