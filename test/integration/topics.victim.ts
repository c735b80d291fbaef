import { setImmediate } from "node:timers/promises";
import { EventLog } from "../../lib/topics/event-log";
import { silent } from "./topics.parts";

const say = (text: string) => new Promise<void>((said) => void process.stdout.write(text, () => said()));

/** Publishes and reads as fast as it can until it is killed, and says what was acknowledged and what it has handled. */
async function run([directory = "", batch = "1"]: string[]): Promise<void> {
  const log = new EventLog({ directory, partitions: 1, replication: 1, retentionMs: 3_600_000, logger: silent });
  log.subscribe({
    topic: "stream",
    group: "readers",
    handle: ({ value }) => say(`handled ${value}\n`),
  });
  const run = `${process.pid}`;
  for (let n = 0; ; n += Number(batch)) {
    const some = Array.from({ length: Number(batch) }, (_, i) => `${run}-${n + i}`);
    await log.publish(
      "stream",
      some.map((value) => ({ key: value.slice(-1), value, headers: { filler: "x".repeat(1000) } })),
    );
    await say(some.map((value) => `published ${value}\n`).join(""));
    // Writing to a pipe gives nobody else a turn.
    await setImmediate();
  }
}

run(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(String(error));
  process.exit(1);
});
