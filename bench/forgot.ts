import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import { readEnvironment } from "../lib/environment";
import { brokerOptions } from "../moleculer.config";
import authService from "../services/auth/auth.service";
import notificationService from "../services/notification/notification.service";
import userService from "../services/user/user.service";

/**
 * `npm run bench:forgot`: how long `POST /auth/password/forgot` takes for an address with an account and for one without,
 * in turn, each from a client of its own so that no limit is reached. Embedded, or with `MONGO_URL`.
 */
const ACCOUNTS = Number(process.env.BENCH_ACCOUNTS ?? 100);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);

const dir = mkdtempSync(join(tmpdir(), "shop-bench-"));
const environment = readEnvironment({
  ...process.env,
  DATA_DIR: dir,
  OPS_PORT: "0",
  LOG_LEVEL: "fatal",
  DEMO_DATA: "off",
});
const broker = new ServiceBroker(brokerOptions(environment));
for (const service of [authService, userService, notificationService]) broker.createService(service(broker));

const emailOf = (number: number, kind: string) => `${kind}-${number}-${process.pid}@example.org`;
let clients = 0;
async function timed(email: string): Promise<number> {
  clients += 1;
  const meta = { clientIp: `10.${clients >> 16}.${(clients >> 8) & 255}.${clients & 255}` };
  const since = performance.now();
  await broker.call("auth.forgotPassword", { email }, { meta });
  return performance.now() - since;
}

const quantile = (values: number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
/** Welch's t of two samples: below some 2 they cannot be told apart. */
function welch(a: number[], b: number[]): number {
  const spread = (values: number[]) => mean(values.map((value) => (value - mean(values)) ** 2)) / values.length;
  return (mean(a) - mean(b)) / Math.sqrt(spread(a) + spread(b));
}

async function main(): Promise<void> {
  await broker.start();
  for (let number = 0; number < ACCOUNTS; number++)
    await broker.call("auth.register", {
      email: emailOf(number, "known"),
      password: "violet tractor lampshade",
      name: "Kim",
    });
  const times: Record<string, number[]> = { known: [], unknown: [] };
  for (let round = 0; round < ROUNDS; round++)
    for (let number = 0; number < ACCOUNTS; number++)
      // Whoever comes first of a pair has the cold caches: by turns.
      for (const kind of (round + number) % 2 ? ["known", "unknown"] : ["unknown", "known"])
        times[kind]?.push(await timed(emailOf(number, kind)));
  const { known = [], unknown = [] } = times;
  for (const [kind, values] of Object.entries(times))
    console.log(
      `${kind.padEnd(8)} n=${values.length} p10 ${quantile(values, 0.1).toFixed(3)} ms  p50 ${quantile(values, 0.5).toFixed(3)} ms  p90 ${quantile(values, 0.9).toFixed(3)} ms`,
    );
  console.log(`Welch's t of the two: ${welch(known, unknown).toFixed(2)}`);
  await broker.stop();
  rmSync(dir, { recursive: true, force: true });
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
