import type { ChaosOptions } from "../chaos/arguments";
import { chaos } from "../chaos/chaos";
import { reportOf } from "../chaos/report";
import { withServers } from "./servers";

const LIMIT_MS = 240_000;

/** A run of `npm run chaos`, cleared away in time whatever happens. */
async function runOf(options: ChaosOptions) {
  const told: string[] = [];
  const { checks, figures, left } = await chaos(options, {
    signal: AbortSignal.timeout(LIMIT_MS),
    say: (text) => told.push(text),
  });
  return { checks, left, report: [...told, reportOf(checks, figures)].join("\n") };
}

withServers(["nats", "mongo", "redis", "kafka"], "a cluster under chaos", () => {
  it(
    "loses, doubles and miscounts nothing, whatever is killed, frozen or restarted",
    async () => {
      const { checks, left, report } = await runOf({ seed: 7, orders: 120 });
      expect(left).toEqual([]);
      if (checks.some(({ violations }) => violations.length > 0)) throw new Error(report);
    },
    LIMIT_MS + 30_000,
  );

  it(
    "is caught losing events where they are marked before they are published",
    async () => {
      const { checks } = await runOf({ seed: 7, orders: 50, broken: "outbox" });
      const lost = checks.find(({ name }) => name === "each event is in the topic");
      expect(lost?.violations.length).toBeGreaterThan(0);
    },
    LIMIT_MS + 30_000,
  );
});
