import { until } from "../../lib/infra/ports";
import { expectStatus, Shop } from "../e2e/shop";
import { goTalking } from "./chatters";
import type { RollingCluster } from "./cluster";
import { CountingShop, goShopping, Tally } from "./shoppers";

export interface RollingOptions {
  rounds: number;
  shoppers: number;
  chatters: number;
  say: (text: string) => void;
  /** Ends it after the restart that is under way. */
  signal?: AbortSignal;
}

export interface Round {
  requests: number;
  orders: number;
  messages: number;
  /** Connections of sockets beyond the first of each. */
  reconnects: number;
  slowest: number;
  restarts: { name: string; ended: number; ready: number }[];
  /** What went wrong, with the node that was being restarted. */
  failures: string[];
}

const STOCK = 1_000_000;

/** Restarts every node, one after the other, while customers order, pay and talk through the balancer. */
export async function rollingRestarts(cluster: RollingCluster, options: RollingOptions): Promise<Round[]> {
  const rounds: Round[] = [];
  const quiet = new Shop(cluster.origin);
  const { accessToken: admin } = await quiet.admin();
  for (let number = 1; number <= options.rounds && !options.signal?.aborted; number++) {
    const { sku } = await quiet.newProduct(admin, STOCK);
    const round = await oneRound(cluster, options, sku);
    round.failures.push(...(await stockFailures(quiet, admin, sku, round)));
    options.say(
      `round ${number}: ${round.requests} requests, ${round.orders} orders, ${round.messages} messages, ` +
        `${round.reconnects} reconnects, slowest ${round.slowest} ms, ${round.failures.length} failures`,
    );
    for (const failure of round.failures) options.say(`  ${failure}`);
    rounds.push(round);
  }
  return rounds;
}

async function oneRound(cluster: RollingCluster, options: RollingOptions, sku: string): Promise<Round> {
  const tally = new Tally();
  const shop = new CountingShop(cluster.origin, tally);
  const end = new AbortController();
  const shopping = goShopping(shop, tally, sku, options.shoppers, end.signal);
  const talking = goTalking(shop, tally, options.chatters, end.signal);
  const both = Promise.all([shopping, talking]);
  // Whoever fails to begin is heard of below.
  both.catch(() => undefined);
  const restarts: (Round["restarts"][number] & { began: number })[] = [];
  try {
    await underLoad(tally, both);
    for (const name of cluster.names) {
      if (options.signal?.aborted) break;
      const began = Date.now();
      const took = await cluster.restart(name);
      options.say(`${name} ended after ${took.ended} ms, and was ready again ${took.ready} ms later`);
      restarts.push({ name, began, ...took });
      await underLoad(tally, both);
    }
  } finally {
    end.abort();
  }
  const [sold, said] = await both;
  const during = (at: number) => restarts.findLast(({ began }) => began <= at);
  return {
    requests: tally.requests,
    orders: sold.orders,
    messages: said.acknowledged,
    reconnects: said.connections - options.chatters,
    slowest: tally.slowest,
    restarts: restarts.map(({ began: _, ...restart }) => restart),
    failures: tally.failures.map(({ at, what }) => {
      const restart = during(at);
      return restart ? `${what}, ${at - restart.began} ms after ${restart.name} was told to end` : what;
    }),
  };
}

/** Resolves when clients have had a hundred more answers: what was restarted has its part in them. */
async function underLoad(tally: Tally, running: Promise<unknown>): Promise<void> {
  const goal = tally.requests + 100;
  await Promise.race([until("requests", () => tally.requests >= goal, { ms: 60_000 }), running]);
}

/** What was sold is what customers were told, and perhaps what some of them were not. */
async function stockFailures(shop: Shop, admin: string, sku: string, { orders, failures }: Round): Promise<string[]> {
  const { available, sold } = await shop.stock(admin, sku);
  const answer = await shop.call<{ reserved: number }>("GET", `/inventory/${sku}`, { token: admin });
  const { reserved } = expectStatus(answer, 200);
  if (available + sold + reserved !== STOCK || sold < orders || sold + reserved > orders + failures.length)
    return [`${orders} orders were paid, stock has ${sold} sold and ${reserved} reserved`];
  return [];
}
