import { execFileSync, spawnSync } from "node:child_process";
import fs, {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "../../lib/infra/processes";
import { EventLog, type EventLogOptions } from "../../lib/topics/event-log";
import { SegmentReader } from "../../lib/topics/segment-reader";
import { Segments } from "../../lib/topics/segments";
import type { Received } from "../../lib/topics/topics";
import { commandOf } from "../compiled";
import { eventually } from "./node";
import { collect, keys, message, soon, topicsContract, values, waiting } from "./topics.contract";
import { keptLogger, silent } from "./topics.parts";

const HOUR_MS = 3_600_000;

let folder: string;
let opened: EventLog[];
let release: () => void;
const releaseLater = (resolve: () => void) => {
  release = resolve;
};
beforeEach(() => {
  release = () => undefined;
  folder = join(mkdtempSync(join(tmpdir(), "shop-events-")), "events");
  opened = [];
});
afterEach(async () => {
  jest.restoreAllMocks();
  release();
  await Promise.all(opened.map((log) => log.close()));
  rmSync(join(folder, ".."), { recursive: true, force: true });
});

const open = (options: Partial<EventLogOptions> = {}): EventLog => {
  const log = new EventLog({
    directory: folder,
    partitions: 3,
    replication: 1,
    retentionMs: HOUR_MS,
    logger: silent,
    ...options,
  });
  opened.push(log);
  return log;
};

const files = (topic = "t") => readdirSync(join(folder, topic)).filter((name) => name.endsWith(".log"));
const lastFile = () => join(folder, "t", files().sort().at(-1) ?? "");
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`);
const batch = (from: number, to: number) => numbers(from, to).map((value) => message("a", value));
const offsets = (received: Pick<Received, "offset">[]) => received.map(({ offset }) => offset);

describe("the embedded event log", () => {
  topicsContract(open);
});

describe("its files", () => {
  test("are for the shop's own user only, and are there from the first use on", async () => {
    const before = process.umask(0o022);
    const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
    try {
      const log = open();
      expect(fs.existsSync(folder)).toBe(false);
      await log.publish("t", batch(0, 1));
      await log.movePast("g", { topic: "t", partition: 0, offset: 0 });
      expect([folder, join(folder, "t")].map(modeOf)).toEqual(["700", "700"]);
      expect([lastFile(), join(folder, "t", "g.position")].map(modeOf)).toEqual(["600", "600"]);
    } finally {
      process.umask(before);
    }
  });

  test("no name leads out of the folder", async () => {
    const log = open();
    for (const name of ["..", "a/b", "", "a\0"]) {
      await expect(log.publish(name, batch(0, 1))).rejects.toThrow("name");
      await expect(log.lag("t", name)).rejects.toThrow("name");
      expect(() => log.subscribe({ topic: "t", group: name, handle: async () => undefined })).toThrow("name");
    }
  });

  test("belong to one process at a time, and to one log in it", async () => {
    const victim = launch({ name: "victim", ...victimOf("1") });
    await eventually(() => victim.output().includes("published"));
    await expect(open().publish("t", batch(0, 1))).rejects.toThrow(`in use by process ${victim.pid}`);
    await expect(open().ping()).rejects.toThrow("in use");
    await victim.kill();
    const log = open();
    await log.publish("t", batch(0, 1));
    await expect(open().publish("t", batch(0, 1))).rejects.toThrow("already open");
    await log.close();
    await open().publish("t", batch(0, 1));
  });
});

describe("what was published", () => {
  test("has dense offsets from 0 on, which go on in another file and after a restart", async () => {
    const log = open({ segmentBytes: 1000 });
    for (let n = 0; n < 50; n += 5) await log.publish("t", batch(n, n + 5));
    expect(files().length).toBeGreaterThan(2);
    await log.close();
    const again = open({ segmentBytes: 1000 });
    await again.publish("t", batch(50, 60));
    const found = await again.peek("t", "g", 100);
    expect(offsets(found)).toEqual(numbers(0, 60).map(Number));
    expect(values(found)).toEqual(numbers(0, 60));
  });

  test("a torn last line is cut off, and neither what stood before nor what comes later is lost", async () => {
    const log = open();
    await log.publish("t", batch(0, 2));
    await log.close();
    appendFileSync(lastFile(), `{"offset":2,"key":"a","value":"${"x".repeat(200_000)}`);
    const again = open();
    await again.publish("t", batch(2, 4));
    const found = await again.peek("t", "g", 10);
    expect(values(found)).toEqual(["0", "1", "2", "3"]);
    expect(offsets(found)).toEqual([0, 1, 2, 3]);
  });

  test("a line in the midst that cannot be read ends reading, after what stands before it", async () => {
    const { logger, lines } = keptLogger();
    const log = open({ logger });
    await log.publish("t", batch(0, 3));
    await log.close();
    writeFileSync(lastFile(), readFileSync(lastFile(), "utf8").replace('"value":"1"', '"value":"1'));
    const again = open({ logger });
    const { handled, subscription } = collect(again, "t", "g");
    const failure = await eventually(() => subscription.failure);
    expect(failure.message).toContain("corrupt");
    await eventually(() => handled.length === 1);
    expect(values(handled)).toEqual(["0"]);
    expect(lines.filter((line) => line.startsWith("error"))).toHaveLength(1);
    expect(values(await again.peek("t", "other", 1))).toEqual(["0"]);
    await expect(again.peek("t", "other", 10)).rejects.toThrow("corrupt");
    await subscription.close();
    expect(await again.lag("t", "g")).toBe(2);
  });

  test("another file may be begun between finding out that all is read and asking for more", async () => {
    const segments = await Segments.open(join(folder, "t"), { segmentBytes: 100, retentionMs: HOUR_MS });
    const reader = new SegmentReader(segments, 0);
    segments.append(batch(0, 1));
    expect(await reader.read(10)).toHaveLength(1);
    const reading = reader.read(10);
    // The first of them ends the file, the second begins another.
    for (const n of [1, 2, 3]) segments.append(batch(n, n + 1));
    expect(offsets(await reading)).toEqual([1]);
    expect(offsets(await reader.read(10))).toEqual([2, 3]);
    reader.close();
    segments.close();
  });

  test("a missing or shortened file ends reading too", async () => {
    const log = open({ segmentBytes: 1 });
    for (const n of [0, 1, 2, 3]) await log.publish("t", batch(n, n + 1));
    await log.close();
    const [, second = ""] = files().sort();
    rmSync(join(folder, "t", second));
    const again = open();
    const { handled, subscription } = collect(again, "t", "g");
    await eventually(() => subscription.failure);
    expect(values(handled)).toEqual(["0"]);
  });

  test("is deleted by whole files once the newest in them is too old, not the file that is written", async () => {
    const log = open({ segmentBytes: 1000 });
    for (let n = 0; n < 50; n += 5) await log.publish("t", batch(n, n + 5));
    for (let n = 0; n < 50; n += 5) await log.publish("t.dlq", batch(n, n + 5));
    await log.close();
    const age = (topic: string, names: string[], hours: number) => {
      const then = new Date(Date.now() - hours * HOUR_MS);
      for (const name of names) utimesSync(join(folder, topic, name), then, then);
    };
    const before = files().sort();
    age("t", before.slice(0, 2), 2);
    age("t.dlq", before.slice(0, 1), 5);
    age("t.dlq", before.slice(1, 2), 3);
    const again = open({ segmentBytes: 1000 });
    await again.publish("t", batch(50, 51));
    await again.publish("t.dlq", batch(50, 51));
    expect(files().sort()).toEqual(before.slice(2));
    expect(files("t.dlq").sort()).toEqual(before.slice(1));
    const [oldest] = await again.peek("t", "g", 1);
    expect(oldest?.offset).toBe(Number(before[2]?.slice(0, 16)));
    expect(oldest?.value).toBe(`${oldest?.offset}`);
  });

  test("is deleted while the log is open and when nothing follows, and offsets go on", async () => {
    const { logger, lines } = keptLogger();
    const log = open({ retentionMs: 50, cleanEveryMs: 20, segmentBytes: 1000, logger });
    await log.publish("t", batch(0, 30));
    await log.movePast("g", { topic: "t", partition: 0, offset: 9 });
    await eventually(async () => (await log.lag("t", "g")) === 0);
    expect(files()).toEqual([`${"30".padStart(16, "0")}.log`]);
    await log.close();
    const again = open({ logger });
    await again.publish("t", batch(30, 31));
    const { handled } = collect(again, "t", "g");
    await eventually(() => handled.length === 1);
    expect(offsets(handled)).toEqual([30]);
    expect(lines.join()).toContain("misses 20 messages");
  });
});

describe("a group's position", () => {
  test("that cannot be read is refused, not taken for the beginning", async () => {
    const log = open();
    await log.publish("t", batch(0, 3));
    await log.movePast("g", { topic: "t", partition: 0, offset: 1 });
    await log.close();
    for (const damage of ["", '{"next":', '{"next":"2"}']) {
      writeFileSync(join(folder, "t", "g.position"), damage);
      const again = open();
      const { handled, subscription } = collect(again, "t", "g");
      expect((await eventually(() => subscription.failure)).message).toContain("g.position is corrupt");
      await expect(again.lag("t", "g")).rejects.toThrow("corrupt");
      expect(handled).toEqual([]);
      await again.close();
    }
  });

  test("is not moved behind a reader's back, nor backwards", async () => {
    const log = open();
    await log.publish("t", batch(0, 3));
    const past = (offset: number) => log.movePast("g", { topic: "t", partition: 0, offset });
    const { subscription } = collect(log, "t", "g", (_, signal) => waiting(signal));
    await expect(past(1)).rejects.toThrow("reading");
    await subscription.close();
    await past(1);
    await past(0);
    expect(values(await log.peek("t", "g", 10))).toEqual(["2"]);
  });

  test("is found without reading the files before it", async () => {
    const log = open({ segmentBytes: 100_000 });
    const long = "x".repeat(1000);
    for (let n = 0; n < 2000; n += 50)
      await log.publish(
        "t",
        numbers(n, n + 50).map((value) => message(value, long)),
      );
    await log.movePast("g", { topic: "t", partition: 0, offset: 1989 });
    await log.close();
    const again = open();
    const bytes = countReads();
    expect(offsets(await again.peek("t", "g", 20))).toEqual(numbers(1990, 2000).map(Number));
    expect(bytes()).toBeGreaterThan(0);
    expect(bytes()).toBeLessThan(250_000);
  });
});

/** Bytes that readers asked the kernel for from now on. */
function countReads(): () => number {
  const spy = jest.spyOn(fs, "read");
  return () => spy.mock.calls.reduce((sum, call) => sum + Number((call as unknown[])[3]), 0);
}

describe("readers", () => {
  test("have a backlog's next part in memory only", async () => {
    const log = open();
    const long = "x".repeat(1000);
    for (let n = 0; n < 20_000; n += 1000)
      await log.publish(
        "t",
        numbers(n, n + 1000).map((value) => message(value, long)),
      );
    const bytes = countReads();
    const held = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    const { handled } = collect(log, "t", "g", async () => {
      running += 1;
      most = Math.max(most, running);
      await held.promise;
      running -= 1;
    });
    releaseLater(held.resolve);
    await eventually(() => running === 64);
    // By the time that another reader is through this one has long read what it would.
    const other = collect(log, "t", "other");
    await eventually(() => other.handled.length === 20_000);
    const all = files().reduce((sum, name) => sum + statSync(join(folder, "t", name)).size, 0);
    expect(all).toBeGreaterThan(20_000_000);
    expect(bytes() - all).toBeLessThan(500_000);
    held.resolve();
    await eventually(() => handled.length === 20_000);
    expect(most).toBe(64);
    expect(offsets(handled)).toEqual([...offsets(handled)].sort((a, b) => a - b));
  });

  test("of long messages have few of them in memory", async () => {
    const log = open();
    const long = "x".repeat(100_000);
    await log.publish(
      "t",
      numbers(0, 100).map((value) => message(value, long)),
    );
    let begun = 0;
    const { subscription } = collect(log, "t", "g", async (_, signal) => {
      begun += 1;
      await waiting(signal);
    });
    const other = collect(log, "t", "other");
    await eventually(() => other.handled.length === 100);
    expect(begun).toBeGreaterThan(5);
    expect(begun).toBeLessThan(20);
    await subscription.close();
  });

  test("of one group take over from each other, in turn", async () => {
    const log = open();
    await log.publish("t", batch(0, 2));
    const first = collect(log, "t", "g");
    const second = collect(log, "t", "g");
    const third = collect(log, "t", "g");
    await eventually(() => first.handled.length === 2);
    await second.subscription.close();
    await log.publish("t", batch(2, 3));
    await eventually(() => first.handled.length === 3);
    expect([second.handled, third.handled]).toEqual([[], []]);
    await first.subscription.close();
    await log.publish("t", batch(3, 4));
    await eventually(() => third.handled.length === 1);
    expect(values(third.handled)).toEqual(["3"]);
  });

  test("go on with what comes later while a message is rejected or slow", async () => {
    const log = open();
    await log.publish("t", [message("bad"), message("slow")]);
    let tries = 0;
    const { handled } = collect(log, "t", "g", async ({ key }, signal) => {
      if (key === "slow") await waiting(signal);
      if (key !== "bad") return;
      tries += 1;
      throw new Error("never");
    });
    await eventually(() => tries === 1);
    for (const name of numbers(0, 600)) await log.publish("t", [message(name)]);
    await eventually(() => handled.length === 600);
    await eventually(() => tries === 3);
    expect(keys(handled)).toEqual(numbers(0, 600));
    expect(await log.lag("t", "g")).toBe(602);
  });
});

const victimOf = (batch: string) => {
  const { command, args } = commandOf("test/integration/topics.victim");
  return { command, args: [...args, folder, batch] };
};

test.each(["1", "20"])("kill -9 loses no acknowledged message, published by %s", async (batch) => {
  const published: string[] = [];
  const handled: string[] = [];
  for (const lines of [20, 1000, 20_000]) {
    let count = 0;
    const victim = launch({
      name: "victim",
      ...victimOf(batch),
      onLine: (line) => {
        count += 1;
        const [what, value = ""] = line.split(" ");
        if (what === "published") published.push(value);
        if (what === "handled") handled.push(value);
        if (count === lines) victim.signal("SIGKILL");
      },
    });
    expect(await victim.exited).toMatchObject({ signal: "SIGKILL" });
  }
  const log = open();
  const all = values(await log.peek("stream", "nobody", 100_000));
  const place = new Map(all.map((value, i) => [value, i]));
  expect(published.length).toBeGreaterThan(100);
  expect(published.filter((value) => !place.has(value))).toEqual([]);
  const places = published.map((value) => place.get(value) ?? -1);
  expect(places).toEqual([...places].sort((a, b) => a - b));
  // What a dead reader had handled may come again, what it had not does.
  const rest = collect(log, "stream", "readers");
  await soon(async () => (await log.lag("stream", "readers")) === 0);
  const seen = new Set([...handled, ...values(rest.handled)]);
  expect(all.filter((value) => !seen.has(value))).toEqual([]);
  expect(rest.handled.length).toBeLessThan(all.length);
});

/** In a process of its own, since the kernel's limit is for a whole process. Prints what it saw, as JSON. */
const onAFullDisk = `
  const { EventLog } = require("./lib/topics/event-log.ts");
  const { execFileSync } = require("node:child_process");
  const { statSync } = require("node:fs");
  const limitFiles = (bytes) => execFileSync("prlimit", ["--pid", String(process.pid), "--fsize=" + bytes + ":"]);
  // Without somebody listening the kernel's signal would end the process instead of failing the write.
  process.on("SIGXFSZ", () => undefined);
  const [, directory] = process.argv;
  const outcome = (promise) => promise.then(() => "done", (error) => error.code ?? String(error));
  const logger = { warn() {}, error() {} };
  const batch = (...values) => values.map((value) => ({ key: "a", value, headers: { filler: "x".repeat(400) } }));
  async function main() {
    const log = new EventLog({ directory, retentionMs: 1e9, logger });
    const seen = [];
    log.subscribe({ topic: "t", group: "g", handle: async ({ value }) => void seen.push(value) });
    await log.publish("t", batch("1"));
    const file = directory + "/t/0000000000000000.log";
    const size = statSync(file).size;
    limitFiles(size + 1000);
    const full = [await outcome(log.publish("t", batch("lost", "lost", "lost"))), await outcome(log.ping())];
    const sizes = [statSync(file).size - size];
    full.push(await outcome(log.publish("t", batch("2"))), await outcome(log.ping()));
    limitFiles("0");
    full.push(await outcome(log.publish("t", batch("lost"))), await outcome(log.ping()));
    limitFiles("unlimited");
    full.push(await outcome(log.ping()), await outcome(log.ping()), await outcome(log.publish("t", batch("3"))));
    while (seen.length < 3) await new Promise(setImmediate);
    await log.close();
    process.stdout.write(JSON.stringify({ full, sizes, seen }));
  }
  main();
`;

const canLimit = spawnSync("prlimit", ["--version"]).status === 0;
const onLinux = canLimit ? describe : describe.skip;

onLinux(`the event log on a disk that takes no more${canLimit ? "" : " (needs prlimit)"}`, () => {
  test("rejects what it could not store, shows none of it, and goes on once it can", async () => {
    const printed = execFileSync(process.execPath, ["--require", "tsx/cjs", "--eval", onAFullDisk, folder], {
      encoding: "utf8",
      timeout: 20_000,
    });
    expect(JSON.parse(printed)).toEqual({
      full: ["EFBIG", "EFBIG", "done", "done", "EFBIG", "EFBIG", "done", "done", "done"],
      sizes: [0],
      seen: ["1", "2", "3"],
    });
    expect(values(await open().peek("t", "other", 10))).toEqual(["1", "2", "3"]);
  });
});
