import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChaosOptions } from "./arguments";
import { Chance } from "./chance";
import { check } from "./checker";
import { type Market, planChoices } from "./choices";
import { Cluster, PAYMENT_WINDOW_S } from "./cluster";
import { Collector, type Supply } from "./collect";
import { describeFault, type PlannedFault, planFaults } from "./faults";
import { summaryOf } from "./figures";
import { Injector } from "./injector";
import { runLoad } from "./load";
import { FAULTY } from "./mistakes";
import { PatientShop } from "./patient";
import type { Findings } from "./report";
import { topicsOf } from "./topics";

const MARKET: Market = { customers: 16, products: 7 };
const AMPLE = 100_000;
/** Of the scarce product there is one unit for so many orders, several times fewer than are wanted. */
const ORDERS_A_SCARCE_UNIT = 60;
const SETTLE_MS = 120_000;

/** A whole run: starts the cluster, breaks it under load, waits until all is at rest, checks, and clears away. */
export async function chaos(
  options: ChaosOptions,
  { signal, say }: { signal: AbortSignal; say: (text: string) => void },
): Promise<Findings> {
  const plan = planned(options);
  const dir = mkdtempSync(join(tmpdir(), "shop-chaos-"));
  const faults = plan.map(({ fault }) => fault);
  const cluster = await Cluster.in(dir, faults, options.broken ? FAULTY[options.broken] : {});
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  try {
    return await Promise.race([run(options, plan, cluster, signal, say), aborted]);
  } finally {
    await cluster.close({ gently: options.keep });
    if (options.keep) say(`data and logs: ${dir}`);
    else rmSync(dir, { recursive: true, force: true });
  }
}

const planned = ({ seed, orders, faults = () => true }: ChaosOptions): PlannedFault[] =>
  planFaults(new Chance(seed, "faults"), orders).filter(({ fault }) => faults(fault));

async function run(
  { seed, orders }: ChaosOptions,
  plan: readonly PlannedFault[],
  cluster: Cluster,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<Findings> {
  say(`plan of seed ${seed}:`);
  for (const { at, fault } of plan) say(`  before order ${at}: ${describeFault(fault)}`);
  say("starting servers and nodes");
  await cluster.start();
  const shop = new PatientShop(cluster.origin, signal);
  const admin = (await shop.admin()).accessToken;
  const supplies = await newSupplies(shop, admin, orders);
  const customers = await newCustomers(shop);
  const environment = await cluster.servers.env();
  const topics = topicsOf(environment);
  const collector = await Collector.on({ shop, admin, topics, mongoUrl: environment.MONGO_URL ?? "", supplies });
  try {
    const injector = new Injector(plan, cluster, say);
    const began = Date.now();
    const entries = await runLoad({
      shop,
      admin,
      windowMs: PAYMENT_WINDOW_S * 1000,
      choices: planChoices(new Chance(seed, "choices"), orders, MARKET),
      customers,
      skus: supplies.map(({ sku }) => sku),
      begin: (index) => injector.reached(index),
      say,
    });
    const loaded = Date.now();
    await injector.reached(orders);
    await injector.ended();
    say("waiting until everything is at rest");
    const left = await collector.settle(PAYMENT_WINDOW_S * 1000 + SETTLE_MS, signal);
    const rested = Date.now();
    const evidence = await collector.evidence({ entries, deaths: cluster.deaths });
    const figures = {
      seed,
      seconds: (loaded - began) / 1000,
      settling: (rested - loaded) / 1000,
      faults: plan.length,
      repeats: shop.repeats,
      longestWait: shop.longestWait,
    };
    return { checks: check(evidence), summary: [summaryOf(figures, evidence)], left };
  } finally {
    await collector.close();
    await topics.close();
  }
}

async function newSupplies(shop: PatientShop, admin: string, orders: number): Promise<Supply[]> {
  const supplies: Supply[] = [];
  for (let number = 1; number <= MARKET.products; number++) {
    const initial = number < MARKET.products ? AMPLE : Math.ceil(orders / ORDERS_A_SCARCE_UNIT);
    const { sku, product } = await shop.newProduct(admin, initial, 1000 * number + 500);
    supplies.push({ sku, productId: product.id, initial });
  }
  return supplies;
}

async function newCustomers(shop: PatientShop): Promise<string[]> {
  const tokens: string[] = [];
  for (let number = 1; number <= MARKET.customers; number++)
    tokens.push((await shop.register(`Customer ${number}`)).accessToken);
  return tokens;
}
