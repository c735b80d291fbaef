import { Chance } from "../chaos/chance";
import { readArguments } from "../chaos/chat/arguments";
import { planFaults } from "../chaos/chat/faults";
import { convergenceLines } from "../chaos/chat/figures";
import { type Findings, hasFailed, reportOf } from "../chaos/report";

const findings: Findings = {
  checks: [
    { name: "kept", looked: "2 orders", violations: [] },
    {
      name: "  broken",
      looked: "a lot of orders",
      violations: ["one", "two", "three", "four", "five", "six", "seven"],
    },
  ],
  summary: ["in figures"],
  left: [],
};

test("a report has a row for each check, and the first violations in detail", () => {
  expect(reportOf(findings).split("\n")).toEqual([
    "check     looked at        violations  verdict",
    "kept      2 orders                  0  ok",
    "  broken  a lot of orders           7  VIOLATED",
    "",
    "broken: violated 7 times",
    ...["  one", "  two", "  three", "  four", "  five", "  and 2 more"],
    "",
    "in figures",
    "Violated: broken.",
  ]);
});

test("a run has failed where something was violated or has not come to rest", () => {
  const kept = { ...findings, checks: findings.checks.slice(0, 1) };
  expect([findings, kept, { ...kept, left: ["2 events wait"] }].map(hasFailed)).toEqual([true, false, true]);
  expect(reportOf({ ...kept, left: ["2 events wait"] })).toContain("\nNot at rest: 2 events wait.\n");
});

test("reconnects are told in percentiles, those while something was away apart", () => {
  const took = (ms: number, disturbed: boolean) => ({ who: "Kim", at: 0, ms, disturbed, lacks: [] });
  const calm = Array.from({ length: 100 }, (_, index) => took(100 - index, false));
  const away = [6000, 1000, 20, 5000, 1001].map((ms) => took(ms, true));
  expect(convergenceLines([...calm, ...away])).toEqual([
    "to have all after a reconnect: 100 times, p50 50 ms, p95 95 ms, max 100 ms",
    "  where something was away: 5 times, p50 1001 ms, p95 6000 ms, max 6000 ms, 3 over 1 s, 1 over 5 s",
  ]);
  expect(convergenceLines([])[0]).toContain("0 times, p50 0 ms");
});

test.each([
  [100, 1],
  [6000, 3],
])(
  "the chat's plan for %d messages has each kind of fault %d times, in the order of the messages",
  (messages, rounds) => {
    for (let seed = 0; seed < 20; seed++) {
      const plan = planFaults(new Chance(seed, "faults"), messages);
      const hit = plan.map(({ fault }) => (fault.kind === "kill" ? fault.node.slice(0, -2) : fault.server));
      const each = Array.from({ length: rounds }, () => ["api", "chat", "kafka", "nats"]).flat();
      expect(hit.toSorted()).toEqual(each.toSorted());
      const places = plan.map(({ at }) => at);
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      expect([places[0], messages - (places.at(-1) ?? 0)].every((apart = 0) => apart > 0)).toBe(true);
    }
  },
);

test("the chat's arguments that make no sense are refused", () => {
  const defaults = { seed: 7, customers: 300, agents: 30, messages: 20, broken: undefined, keep: false };
  expect(readArguments([])).toEqual(defaults);
  expect(readArguments(["--customers", "20", "--break=outbox"])).toMatchObject({ customers: 20, broken: "outbox" });
  expect(readArguments(["-h"])).toBe("help");
  for (const wrong of [
    ["--agents", "1"],
    ["--messages", "0"],
    ["--break", "stock"],
    ["--orders", "50"],
  ])
    expect(() => readArguments(wrong)).toThrow();
});
