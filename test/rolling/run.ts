import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { servers } from "../../lib/infra";
import { freeRange } from "../../lib/infra/ports";
import { type Layout, RollingCluster } from "./cluster";
import { rollingRestarts } from "./rolling";

const usage = `npm run rolling -- [--rounds 3] [--layout split|whole] [--shoppers 8] [--chatters 8]
Restarts every node of a cluster, one after the other, while customers order, pay and talk; nobody may notice.`;

const began = Date.now();
const say = (text: string) => console.log(`[${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s] ${text}`);

function readArguments() {
  const string = { type: "string" } as const;
  const { values } = parseArgs({
    options: { rounds: string, layout: string, shoppers: string, chatters: string, help: { type: "boolean" } },
  });
  const count = (name: "rounds" | "shoppers" | "chatters", fallback: number) => {
    const number = Number(values[name] ?? fallback);
    if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} is a number from 1 on`);
    return number;
  };
  const layout = values.layout ?? "split";
  if (layout !== "split" && layout !== "whole") throw new Error("--layout is split or whole");
  return {
    help: values.help ?? false,
    layout: layout as Layout,
    rounds: count("rounds", 3),
    shoppers: count("shoppers", 8),
    chatters: count("chatters", 8),
  };
}

async function main(): Promise<number> {
  const { help, layout, ...load } = readArguments();
  if (help) {
    console.log(usage);
    return 0;
  }
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interrupt.abort());
  const dir = mkdtempSync(join(tmpdir(), "shop-rolling-"));
  const own = servers({ dir: join(dir, "servers"), basePort: await freeRange(10), given: {} });
  let cluster: RollingCluster | undefined;
  let isKept = true;
  try {
    say(`servers and logs are in ${dir}`);
    await own.start();
    cluster = await RollingCluster.start(join(dir, "logs"), layout, await own.env());
    say(`${cluster.names.length} nodes are ready`);
    const rounds = await rollingRestarts(cluster, { ...load, say, signal: interrupt.signal });
    const failures = rounds.reduce((sum, round) => sum + round.failures.length, 0);
    isKept = failures > 0;
    console.log(`\n${failures === 0 ? "Nobody noticed." : `${failures} failures.`}`);
    return failures === 0 && !interrupt.signal.aborted ? 0 : 1;
  } finally {
    await cluster?.close();
    await own.kill();
    if (!isKept) rmSync(dir, { recursive: true, force: true });
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
