import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { readEnvironment } from "../lib/environment";
import { defineEvents } from "../lib/events";
import { newId } from "../lib/ids";
import { nodeOf } from "../lib/node";
import { bornWithEvent, type OutboxDocument, outboxIndex, withEvent } from "../lib/outbox";
import { Type } from "../lib/schema";
import { outboxOf } from "../mixins/outbox.mixin";
import { topicsMixin } from "../mixins/topics.mixin";
import { brokerOptions } from "../moleculer.config";
import { median } from "./load";

/**
 * `npm run bench:topics`: how many events a second the relay takes from outboxes to their topic, and how long an event
 * takes from the write that it is part of to its consumer. Embedded, or with `KAFKA_BROKERS` (and `MONGO_URL`).
 */
const EVENTS = Number(process.env.BENCH_EVENTS ?? 20_000);
/** Events a second while the delay is measured. */
const RATE = Number(process.env.BENCH_RATE ?? 200);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 10);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);

const events = defineEvents({
  topic: "bench-event",
  source: "/bench",
  schemas: { "bench.happened": Type.Object({ at: Type.Number(), padding: Type.String() }) },
});
/** What an order's fact has beside its envelope. */
const PADDING = "x".repeat(350);
const entry = () => events.entry("bench.happened", { at: performance.now(), padding: PADDING });

async function startNode(dir: string) {
  const environment = readEnvironment({
    ...process.env,
    DATA_DIR: dir,
    OPS_PORT: "0",
    LOG_LEVEL: "error",
    // Topics and groups of its own at every run.
    NAMESPACE: `bench-${newId().slice(-8)}`,
  });
  const broker = new ServiceBroker(brokerOptions(environment));
  const { store } = nodeOf(broker);
  const documents = store.collection<OutboxDocument>("bench", {
    name: `d${newId().slice(-8)}`,
    indexes: [outboxIndex],
  });
  const outbox = outboxOf(broker, { service: "bench", collection: documents, events });
  const seen: number[] = [];
  const service: ServiceSchema = {
    name: "bench",
    mixins: [topicsMixin(broker), outbox.mixin],
    topics: {
      "bench-event": {
        group: "bench",
        async handler(event) {
          seen.push(performance.now() - (event as unknown as { data: { at: number } }).data.at);
        },
      },
    },
  };
  await documents.open();
  const serve = () => broker.createService(service);
  return { broker, documents, outbox, seen, serve };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(5);
}

const quantile = (sorted: number[], q: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;

async function measure(dir: string) {
  const { broker, documents, outbox, seen, serve } = await startNode(dir);
  await broker.start();
  for (let i = 0; i < EVENTS; i += 500)
    await documents.insertMany(
      Array.from({ length: Math.min(500, EVENTS - i) }, () => {
        const waiting = entry();
        return { _id: newId(), ...bornWithEvent(waiting) };
      }),
    );
  const began = performance.now();
  await serve();
  await until(async () => (await documents.count({ outboxLast: { $gt: "" } })) === 0);
  const relayed = EVENTS / ((performance.now() - began) / 1000);
  await until(() => seen.length >= EVENTS);
  const consumed = EVENTS / ((performance.now() - began) / 1000);

  seen.length = 0;
  const total = RATE * SECONDS;
  const start = performance.now();
  for (let i = 0; i < total; i++) {
    const due = start + (1000 * i) / RATE;
    if (due > performance.now()) await delay(due - performance.now());
    const document = { _id: newId() };
    // The insert is not what is timed: an order is there before it changes.
    void documents.insert(document).then(async () => {
      await documents.update(document, withEvent({}, entry()));
      outbox.wake();
    });
  }
  await until(() => seen.length >= total);
  const sorted = seen.slice(0, total).sort((a, b) => a - b);
  await broker.stop();
  await documents.close();
  return { relayed, consumed, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
}

async function main(): Promise<void> {
  const store = process.env.MONGO_URL ? "MongoDB" : "embedded store";
  const topic = process.env.KAFKA_BROKERS ? "Kafka" : "event log";
  console.log(`${store}, ${topic}, ${EVENTS} events, then ${RATE}/s for ${SECONDS} s, ${ROUNDS} rounds, medians`);
  const runs: Awaited<ReturnType<typeof measure>>[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const dir = mkdtempSync(join(tmpdir(), "shop-bench-"));
    runs.push(await measure(dir));
    rmSync(dir, { recursive: true, force: true });
  }
  const of = (pick: (run: (typeof runs)[number]) => number) => median(runs.map(pick));
  console.log(`relay, outbox to topic       ${of((run) => run.relayed).toFixed(0)} events/s`);
  console.log(`  and to the consumer        ${of((run) => run.consumed).toFixed(0)} events/s`);
  console.log(
    `delay, commit to consumer    p50 ${of((run) => run.p50).toFixed(1)} ms, p99 ${of((run) => run.p99).toFixed(1)} ms`,
  );
}

void main();
