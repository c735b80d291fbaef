import { setTimeout as delay } from "node:timers/promises";
import { Breaker, type BreakerLimits } from "../../lib/breaker";
import { Bulkhead } from "../../lib/bulkhead";
import { problemOf } from "../../lib/config/checking";
import { Policies, type Policy, PolicyRules } from "../../lib/policies";

const GENERAL: Policy = {
  timeout: 5000,
  retries: 2,
  breaker: { enabled: true, threshold: 0.5, minCalls: 20, windowMs: 30_000, openMs: 3000 },
  bulkhead: { concurrency: 200, queue: 2000 },
  fallback: true,
};
const policies = (rules: PolicyRules) => new Policies(() => rules, GENERAL);
const place = { name: "order.place", timeout: 11_000, isRetryable: false, hasFallback: false };
const list = { name: "order.list", isRetryable: true, hasFallback: true };

describe("what applies to an action", () => {
  it.each<[string, PolicyRules, typeof list & { timeout?: number }, object]>([
    ["is what it says itself", [], place, { timeout: 11_000, retries: 0 }],
    ["is else the node's default", [], list, { timeout: 5000, retries: 2 }],
    ["is else what is set for all", [{ actions: "*", timeout: 900, retries: 1 }], list, { timeout: 900, retries: 1 }],
    ["is what it says itself before what is set for all", [{ actions: "*", timeout: 900 }], place, { timeout: 11_000 }],
    [
      "is before that what is set for its service",
      [
        { actions: "order.*", timeout: 800 },
        { actions: "*", timeout: 900 },
      ],
      place,
      { timeout: 800 },
    ],
    [
      "is before all what is set for it",
      [
        { actions: "order.place", timeout: 700 },
        { actions: "order.*", timeout: 800 },
      ],
      place,
      { timeout: 700 },
    ],
    [
      "is not what is set for another",
      [
        { actions: "orders.*", timeout: 800 },
        { actions: "order.pay", timeout: 700 },
      ],
      list,
      { timeout: 5000 },
    ],
    ["gives old answers where the action says so", [], list, { fallback: true }],
    ["gives old answers nowhere else", [{ actions: "order.place", fallback: true }], place, { fallback: false }],
    ["gives none where they are off", [{ actions: "order.*", fallback: false }], list, { fallback: false }],
    ["is never to run twice what is not safe to", [{ actions: "order.place", retries: 3 }], place, { retries: 0 }],
    [
      "comes together from all of them where it has parts",
      [
        { actions: "order.list", bulkhead: { concurrency: 1 } },
        { actions: "order.*", bulkhead: { queue: 2 } },
        { actions: "*", bulkhead: { concurrency: 3, queue: 3 } },
      ],
      list,
      { bulkhead: { concurrency: 1, queue: 2 } },
    ],
  ])("%s", (_, rules, action, expected) => {
    expect(policies(rules).of(action)).toMatchObject(expected);
  });

  it("shortens a call, and never lengthens it", () => {
    const made = policies([
      { actions: "order.*", timeout: 800 },
      { actions: "*", timeout: 100, retries: 1 },
    ]);
    expect(made.applied("order.place", {})).toEqual({ timeout: 800, retries: 1 });
    expect(made.applied("order.place", { timeout: 300, retries: 0 })).toEqual({ timeout: 300, retries: 0 });
    expect(made.applied("order.place", { timeout: 3000 })).toEqual({ timeout: 800, retries: 1 });
    expect(made.applied("user.find", { timeout: 3000 })).toEqual({ timeout: 3000, retries: 1 });
    expect(made.defaultTimeout).toBe(100);
  });

  it.each(["order.place", "order.*", "*"])("is set by %s", (actions) => {
    expect(problemOf(PolicyRules, [{ actions, timeout: 500 }])).toBeUndefined();
  });
  it.each(["order", "*.place", "order.place.now", "$ops.drain", "o*", ""])("is not set by %s", (actions) => {
    expect(problemOf(PolicyRules, [{ actions, timeout: 500 }])).toBeDefined();
  });
});

describe("a breaker", () => {
  const limits: BreakerLimits = { enabled: true, threshold: 0.5, minCalls: 4, windowMs: 10_000, openMs: 20 };
  function made(changes: Partial<BreakerLimits> = {}) {
    const current = { ...limits, ...changes };
    const seen = { admits: true, opened: 0 };
    const breaker = new Breaker(
      () => current,
      (may) => {
        seen.admits = may;
      },
      () => {
        seen.opened += 1;
      },
    );
    const calls = (...failed: boolean[]) => {
      for (const one of failed) breaker.begin()(one);
    };
    return { breaker, seen, calls, current };
  }

  it("opens once enough of enough calls have failed", () => {
    const { breaker, seen, calls } = made();
    calls(false, true, true);
    expect([breaker.state, seen.admits]).toEqual(["closed", true]);
    calls(false);
    expect([breaker.state, seen.admits, seen.opened]).toEqual(["open", false, 1]);
  });

  it("stays closed where fewer fail, and where it is off", () => {
    const few = made();
    few.calls(true, false, false, false, false, true, false);
    expect(few.breaker.state).toBe("closed");
    const off = made({ enabled: false });
    off.calls(true, true, true, true, true);
    expect(off.breaker.state).toBe("closed");
  });

  it("follows limits that change", () => {
    const { breaker, calls, current } = made({ minCalls: 100 });
    calls(true, true, true, true);
    expect(breaker.state).toBe("closed");
    current.minCalls = 5;
    calls(true);
    expect(breaker.state).toBe("open");
  });

  it.each([
    [false, "closed", true],
    [true, "open", false],
  ])("lets one call try after a while; it failed: %s", async (failed, state, admits) => {
    const { breaker, seen, calls } = made();
    const late = breaker.begin();
    calls(true, true, true, true);
    while (breaker.state !== "half-open") await delay(1);
    expect(seen.admits).toBe(true);
    const trial = breaker.begin();
    expect(seen.admits).toBe(false);
    // Of a call from before it says nothing.
    late(!failed);
    expect(breaker.state).toBe("half-open");
    trial(failed);
    expect([breaker.state, seen.admits]).toEqual([state, admits]);
    breaker.end();
  });

  it("lets another one try where the first has no answer", async () => {
    const { breaker, seen, calls } = made();
    calls(true, true, true, true);
    while (!seen.admits) await delay(1);
    breaker.begin();
    while (!seen.admits) await delay(1);
    breaker.begin()(false);
    expect(breaker.state).toBe("closed");
  });
});

it("a bulkhead lets run what its limits say at that moment", async () => {
  const limits = { concurrency: 1, queue: 1 };
  const bulkhead = new Bulkhead(
    () => limits,
    () => new Error("full"),
  );
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const work = () => bulkhead.run(() => held);
  const taken = [work(), work()];
  await expect(work()).rejects.toThrow("full");
  limits.concurrency = 3;
  taken.push(work());
  expect([bulkhead.inFlight, bulkhead.queued]).toEqual([2, 1]);
  release();
  await Promise.all(taken);
  expect([bulkhead.inFlight, bulkhead.queued]).toEqual([0, 0]);
});
