import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { servers } from "../lib/infra";
import { launchNode } from "../lib/infra/nodes";
import { freePorts } from "../lib/infra/ports";
import { Shop } from "../test/e2e/shop";
import { checkoutJourney } from "./checkouts";
import { CLIENTS, drive, row } from "./load";

/**
 * `npm run bench:outage`: checkouts with Kafka, without it for a minute, and with it again; then how long it takes until
 * every event that waited is in the topic and has had its effect. The store is the embedded one, the servers are its own.
 */
const SECONDS = Number(process.env.BENCH_SECONDS ?? 20);
const DOWN_SECONDS = Number(process.env.BENCH_DOWN_SECONDS ?? 60);
const dir = mkdtempSync(join(tmpdir(), "shop-outage-"));

/** The sum of a metric over its labels, from the operations port. */
async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`));
  // A figure that took too long is left out: then it is not known.
  if (lines.length === 0) return Number.NaN;
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

async function main(): Promise<void> {
  const [basePort = 0, http = 0, ops = 0, sandbox = 0] = await freePorts(4);
  const set = servers({ dir: join(dir, "servers"), basePort, names: ["kafka"], given: {} });
  await set.start();
  const env = { DATA_DIR: join(dir, "data"), LOG_LEVEL: "error", RATE_LIMIT: "off", ...(await set.env()) };
  const node = launchNode({ name: "shop", ports: { http, ops, sandbox }, env });
  try {
    await node.ready();
    const journey = await checkoutJourney(new Shop(`http://127.0.0.1:${http}`));
    await drive(journey, 5);
    console.log(`one process, embedded store, Kafka, ${CLIENTS} clients`);
    console.log(row("checkout, with Kafka", await drive(journey, SECONDS)));
    await set.kill("kafka");
    console.log(row(`checkout, Kafka down for ${DOWN_SECONDS} s`, await drive(journey, DOWN_SECONDS)));
    const waiting = await metric(ops, "shop_outbox_waiting");
    await set.start("kafka");
    const back = performance.now();
    console.log(row("checkout, while the rest goes out", await drive(journey, SECONDS)));
    for (;;) {
      const left = (await metric(ops, "shop_outbox_waiting")) + (await metric(ops, "shop_topic_lag"));
      if (left === 0) break;
      await delay(100);
    }
    const published = await metric(ops, "shop_outbox_published_total");
    const handled = await metric(ops, "shop_topic_handled_total");
    const seconds = ((performance.now() - back) / 1000).toFixed(1);
    console.log(
      `${waiting} orders had events waiting; ${seconds} s after Kafka took connections again all were handled`,
    );
    console.log(`${published} events published, ${handled} handled`);
  } finally {
    await node.stop();
    await set.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

void main();
