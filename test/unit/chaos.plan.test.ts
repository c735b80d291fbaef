import { readArguments } from "../chaos/arguments";
import { Chance } from "../chaos/chance";
import { planChoices } from "../chaos/choices";
import { describeFault, kindOf, NODE_KINDS, planFaults, SERVERS } from "../chaos/faults";
import { Injector } from "../chaos/injector";

const MARKET = { customers: 16, products: 7 };

test.each([50, 120, 2000])("a plan for %d orders has each kind of fault, in the order of the load", (orders) => {
  for (let seed = 0; seed < 20; seed++) {
    const plan = planFaults(new Chance(seed, "faults"), orders);
    const faults = plan.map(({ fault }) => fault);
    const killed = faults.flatMap((fault) => (fault.kind === "kill" ? kindOf(fault.node) : []));
    expect(new Set(killed)).toEqual(new Set(NODE_KINDS));
    expect(killed.filter((kind) => kind === "order").length).toBeGreaterThan(1);
    const restarted = faults.flatMap((fault) => (fault.kind === "restart" ? fault.server : []));
    expect(new Set(restarted)).toEqual(new Set(SERVERS));
    expect(faults.some((fault) => fault.kind === "freeze" && fault.ms === 10_000)).toBe(true);
    const places = plan.map(({ at }) => at);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect([places[0], orders - (places.at(-1) ?? 0)].every((apart = 0) => apart > 0)).toBe(true);
  }
});

test("the same seed plans the same run, another seed another", () => {
  const planOf = (seed: number) => ({
    faults: planFaults(new Chance(seed, "faults"), 500),
    choices: planChoices(new Chance(seed, "choices"), 500, MARKET),
  });
  expect(planOf(7)).toEqual(planOf(7));
  expect(planOf(8).faults).not.toEqual(planOf(7).faults);
  expect(planOf(8).choices).not.toEqual(planOf(7).choices);
});

test("more is wanted of the scarce product than there is of it, and every story is told", () => {
  const choices = planChoices(new Chance(7, "choices"), 2000, MARKET);
  const scarce = choices.flatMap(({ lines }) => lines.filter(({ product }) => product === MARKET.products - 1));
  expect(scarce.reduce((sum, { quantity }) => sum + quantity, 0)).toBeGreaterThan(2000 / 20);
  expect(new Set(choices.map(({ story }) => story)).size).toBe(9);
  expect(choices.some(({ lines }) => lines.length === 2)).toBe(true);
  for (const { lines } of choices) expect(new Set(lines.map(({ product }) => product)).size).toBe(lines.length);
});

test("faults begin in their order before the load goes past them, restarts one after the other", async () => {
  const log: string[] = [];
  let up: () => void = () => undefined;
  const goesOn = (what: string) => {
    log.push(what);
    return { over: new Promise<void>((resolve) => (up = resolve)) };
  };
  const injector = new Injector(
    [
      { at: 1, fault: { kind: "restart", server: "nats", ms: 1 } },
      { at: 2, fault: { kind: "kill", node: "order.1" } },
      { at: 3, fault: { kind: "restart", server: "redis", ms: 1 } },
    ],
    {
      kill: async (node) => void log.push(node),
      freeze: async (node) => goesOn(node),
      restart: async (server) => goesOn(server),
    },
    () => undefined,
  );
  await injector.reached(0);
  expect(log).toEqual([]);
  await injector.reached(2);
  expect(log).toEqual(["nats", "order.1"]);
  const third = injector.reached(3);
  expect(
    await Promise.race([third.then(() => "begun"), new Promise((resolve) => setImmediate(resolve, "waits"))]),
  ).toBe("waits");
  up();
  await third;
  expect(log).toEqual(["nats", "order.1", "redis"]);
  up();
  await injector.ended();
});

test("arguments that make no sense are refused, faults are told in words", () => {
  expect(readArguments([])).toEqual({ seed: 7, orders: 2000, broken: undefined, keep: false });
  expect(readArguments(["--seed", "3", "--orders=60", "--break", "outbox"])).toMatchObject({
    seed: 3,
    orders: 60,
    broken: "outbox",
  });
  expect(readArguments(["--help"])).toBe("help");
  for (const wrong of [["--orders", "10"], ["--seed", "x"], ["--break", "stock"], ["--loud"]])
    expect(() => readArguments(wrong)).toThrow();
  expect(describeFault({ kind: "freeze", node: "api.1", ms: 10_000 })).toBe("SIGSTOP api.1 for 10 s");
});
