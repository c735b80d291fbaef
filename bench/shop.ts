import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchNode, type ShopNode } from "../lib/infra/nodes";
import { freePorts } from "../lib/infra/ports";
import { entryCommand, type Launched, launch, untilReady } from "../lib/infra/processes";
import { Shop } from "../test/e2e/shop";
import { checkoutJourney } from "./checkouts";
import { CLIENTS, drive, type Figures, hammer, medians, row } from "./load";

/**
 * `npm run bench`: product list, product detail and the checkout with 32 clients, beside a bare moleculer-web route that
 * answers the same JSON, by turns in one run. Embedded, or on `MONGO_URL` (and `REDIS_URL`) where they are set.
 */
const SECONDS = Number(process.env.BENCH_SECONDS ?? 5);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const dir = mkdtempSync(join(tmpdir(), "shop-bench-"));

async function startShop(): Promise<{ node: ShopNode; shop: Shop }> {
  const [http = 0, ops = 0, sandbox = 0] = await freePorts(3);
  const env = { DATA_DIR: dir, LOG_LEVEL: "warn", RATE_LIMIT: "off", NODE_ENV: "development" };
  const node = launchNode({ name: "shop", ports: { http, ops, sandbox }, env });
  await node.ready();
  return { node, shop: new Shop(`http://127.0.0.1:${http}`) };
}

async function startBare(json: unknown): Promise<{ bare: Launched; url: string }> {
  const [port = 0] = await freePorts(1);
  const file = join(dir, `bare-${port}.json`);
  writeFileSync(file, JSON.stringify(json));
  const { command, args } = entryCommand(join(__dirname, "bare.ts"));
  const bare = launch({ name: "bare", command, args: [...args, String(port), file] });
  const url = `http://127.0.0.1:${port}/bare`;
  await untilReady(bare, url);
  return { bare, url };
}

/** Both by turns, so that what the machine does meanwhile meets both. */
async function beside(name: string, shopUrl: string): Promise<void> {
  const { bare, url } = await startBare(await (await fetch(shopUrl)).json());
  const runs: { shop: Figures[]; bare: Figures[] } = { shop: [], bare: [] };
  await Promise.all([hammer(shopUrl, 2), hammer(url, 2)]);
  for (let i = 0; i < ROUNDS; i++) {
    runs.shop.push(await hammer(shopUrl, SECONDS));
    runs.bare.push(await hammer(url, SECONDS));
  }
  await bare.stop();
  const [ours, theirs] = [medians(runs.shop), medians(runs.bare)];
  console.log(row(name, ours, `${((100 * ours.perSecond) / theirs.perSecond).toFixed(0)} % of the bare route`));
  console.log(row("  bare moleculer-web, same JSON", theirs));
}

async function checkouts(shop: Shop): Promise<void> {
  const journey = await checkoutJourney(shop);
  await drive(journey, 3);
  const runs: Figures[] = [];
  for (let i = 0; i < ROUNDS; i++) runs.push(await drive(journey, SECONDS));
  console.log(row("checkout (place + pay)", medians(runs), "the card at the sandbox is between them, not timed"));
}

async function main(): Promise<void> {
  const { node, shop } = await startShop();
  try {
    console.log(
      `${process.env.MONGO_URL ? "MongoDB" : "embedded"}, ${CLIENTS} clients, ${ROUNDS} x ${SECONDS} s, medians`,
    );
    console.log(`${"".padEnd(34)}${"rate".padStart(10)}${"p50".padStart(12)}${"p99".padStart(12)}`);
    const [product] = await shop.products("?limit=1");
    await beside("GET /products (20)", `${shop.origin}/api/v1/products`);
    await beside("GET /products/:id", `${shop.origin}/api/v1/products/${product?.id}`);
    await checkouts(shop);
  } finally {
    await node.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

void main();
