import { chaos } from "../chaos/chaos";
import { chatChaos } from "../chaos/chat/chaos";
import { type Fault, kindOf } from "../chaos/faults";
import { type Findings, hasFailed, reportOf } from "../chaos/report";
import { withServers } from "./servers";

const LIMIT_MS = 240_000;
const TEST_MS = LIMIT_MS + 30_000;

type Run<O> = (options: O, during: { signal: AbortSignal; say: (text: string) => void }) => Promise<Findings>;

/** What a command would find, cleared away in time whatever happens. */
async function runOf<O>(run: Run<O>, options: O) {
  const told: string[] = [];
  const signal = AbortSignal.timeout(LIMIT_MS);
  const findings = await run(options, { signal, say: (text) => void told.push(text) });
  const violated = findings.checks.filter(({ violations }) => violations.length > 0).map(({ name }) => name);
  return {
    failed: hasFailed(findings),
    violated,
    left: findings.left,
    report: [...told, reportOf(findings)].join("\n"),
  };
}

/** Where an event can be lost that is marked too early. */
const hitsPublishing = (fault: Fault) =>
  fault.kind === "restart" ? fault.server === "kafka" : fault.kind === "kill" && kindOf(fault.node) === "order";

withServers(["nats", "mongo", "redis", "kafka"], "a cluster under chaos", () => {
  it(
    "loses, doubles and miscounts nothing, whatever is killed, frozen or restarted",
    async () => {
      // Each kind of fault and each story; none of the last orders is left to expire, which would be waited for.
      const { failed, report } = await runOf(chaos, { seed: 7, orders: 48 });
      if (failed) throw new Error(report);
    },
    TEST_MS,
  );

  it(
    "is caught losing events where they are marked before they are published",
    async () => {
      const options = { seed: 7, orders: 40, broken: "outbox", faults: hitsPublishing } as const;
      const { failed, violated, left } = await runOf(chaos, options);
      expect({ failed, left }).toEqual({ failed: true, left: [] });
      expect(violated).toContain("each event is in the topic");
    },
    TEST_MS,
  );
});

withServers(["nats", "mongo", "redis", "kafka"], "the chat under chaos", () => {
  // Other tests run beside it: what matters here is what people have, not how soon.
  const talk = { seed: 7, customers: 20, agents: 4, messages: 5, convergedMs: 5000 };

  it(
    "loses, doubles and gives away nothing, whatever is cut, killed or restarted",
    async () => {
      const { failed, report } = await runOf(chatChaos, talk);
      if (failed) throw new Error(report);
    },
    TEST_MS,
  );
});
