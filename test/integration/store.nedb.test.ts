import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Document } from "../../lib/store/collection";
import { NedbStore } from "../../lib/store/nedb";
import { storeContract } from "./store.contract";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "shop-store-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the embedded store", () => {
  storeContract(() => new NedbStore(folder));
});

const openThings = async (name = "things") => {
  const store = new NedbStore(folder);
  const things = store.collection<Document & { n?: number }>("test", { name });
  await things.open();
  return { store, things };
};

const dataFile = () => join(folder, "test", "test_things.db");

/** Inserts as fast as it can and prints each id once its insert was acknowledged. */
const writer = `
  const { NedbStore } = require("./lib/store/nedb.ts");
  const things = new NedbStore(process.argv[1]).collection("test", { name: "things" });
  things.open().then(async () => {
    const run = process.pid + "-" + Date.now();
    for (let i = 0; ; i++) {
      await Promise.all([0, 1, 2].map(async (k) => {
        const _id = run + "-" + i + "-" + k;
        await things.insert({ _id, text: "x".repeat(3000) });
        await new Promise((printed) => process.stdout.write(_id + "\\n", printed));
      }));
    }
  }).catch((error) => { console.error(error.message); process.exit(1); });
`;

const startWriter = () =>
  spawn(process.execPath, ["--require", "tsx/cjs", "-e", writer, folder], { stdio: ["ignore", "pipe", "pipe"] });

/** Lets a writer run for a while and kills it at once; answers what it acknowledged. */
async function killedWriter(ms: number): Promise<string[]> {
  const child = startWriter();
  let printed = "";
  const started = new Promise<void>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      printed += chunk;
      resolve();
    });
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  await started;
  await setTimeout(ms);
  child.kill("SIGKILL");
  await ended;
  return printed.split("\n").slice(0, -1);
}

test("files and folders are for the shop's own user only, also a file that was not", async () => {
  const before = process.umask(0o022);
  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
  try {
    const first = await openThings();
    await first.things.insert({ _id: "a" });
    expect([modeOf(join(folder, "test")), modeOf(dataFile())]).toEqual(["700", "600"]);
    await first.things.close();
    chmodSync(dataFile(), 0o644);
    const { things } = await openThings();
    expect(modeOf(dataFile())).toBe("600");
    await things.close();
  } finally {
    process.umask(before);
  }
});

describe("the embedded store and the death of its process", () => {
  test("each acknowledged write survives kill -9, whenever it comes", async () => {
    const acknowledged: string[] = [];
    for (const ms of [5, 40, 120]) {
      acknowledged.push(...(await killedWriter(ms + Math.random() * 30)));
      const { things } = await openThings();
      const stored = new Set((await things.find({}, { fields: ["_id"] })).map((thing) => thing._id));
      expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
      await things.close();
    }
    expect(acknowledged.length).toBeGreaterThan(10);
  });

  test("a torn last line is dropped, and neither what stood before nor what is written later is lost", async () => {
    const { things } = await openThings();
    await things.insert({ _id: "before" });
    await things.close();
    appendFileSync(dataFile(), `{"_id":"torn","text":"${"x".repeat(100_000)}`);
    const again = await openThings();
    await again.things.insert({ _id: "after" });
    await again.things.close();
    const last = await openThings();
    expect((await last.things.find({})).map((thing) => thing._id).sort()).toEqual(["after", "before"]);
    await last.things.close();
  });

  test("a line in the midst that cannot be read is refused, not skipped", async () => {
    const { things } = await openThings();
    await things.insert({ _id: "before" });
    await things.close();
    appendFileSync(dataFile(), '{"_id":"to\n{"_id":"after"}\n');
    await expect(openThings()).rejects.toThrow("corrupt");
    await expect(openThings()).rejects.toThrow("corrupt");
  });

  test("a second process is refused while the first lives, and takes over once it is dead", async () => {
    const first = startWriter();
    await new Promise((resolve) => first.stdout.once("data", resolve));
    await expect(openThings()).rejects.toThrow(`in use by process ${first.pid}`);
    const second = startWriter();
    const complaint = await new Promise((resolve) => second.stderr.once("data", (chunk) => resolve(String(chunk))));
    expect(complaint).toContain(`in use by process ${first.pid}`);
    const ended = new Promise((resolve) => first.once("close", resolve));
    first.kill("SIGKILL");
    await ended;
    const { things } = await openThings();
    expect(await things.count({})).toBeGreaterThan(0);
    await things.close();
  });

  test("a lock of a process whose number was given to another, or that names nobody, is taken over", async () => {
    mkdirSync(join(folder, "test"));
    for (const left of [JSON.stringify({ pid: process.ppid, start: "1" }), "", "{"]) {
      writeFileSync(join(folder, "test", "LOCK"), left);
      const { things } = await openThings();
      await things.close();
      expect(existsSync(join(folder, "test", "LOCK"))).toBe(false);
    }
  });

  test("the lock is nobody else's to read, like the files beside it", async () => {
    const { things } = await openThings();
    expect(statSync(join(folder, "test", "LOCK")).mode & 0o777).toBe(0o600);
    await things.close();
  });

  test("the lock is held until the last collection of a folder is closed", async () => {
    const store = new NedbStore(folder);
    const [one, two] = [store.collection("test", { name: "one" }), store.collection("test", { name: "two" })];
    await one.open();
    await two.open();
    await one.close();
    await one.close();
    await expect(openThings()).rejects.toThrow("already open");
    await two.close();
    const { things } = await openThings();
    await things.close();
  });
});

/** In a process of its own, since the kernel's limit is for a whole process. Prints what it saw, as JSON. */
const onAFullDisk = `
  const { NedbStore } = require("./lib/store/nedb.ts");
  const { execFileSync } = require("node:child_process");
  const { appendFileSync } = require("node:fs");
  const { setTimeout } = require("node:timers/promises");
  const limitFiles = (bytes) => execFileSync("prlimit", ["--pid", String(process.pid), "--fsize=" + bytes + ":"]);
  // Without somebody listening the kernel's signal would end the process instead of failing the write.
  process.on("SIGXFSZ", () => undefined);
  const [, folder] = process.argv;
  const outcome = (promise) => promise.then(() => "done", (error) => error.type ?? String(error));
  async function main() {
    const store = new NedbStore(folder);
    const things = store.collection("test", { name: "things" });
    await things.open();
    await things.insert({ _id: "a", n: 1 });
    limitFiles("0");
    const full = await Promise.all([
      things.update({ _id: "a" }, { $inc: { n: 1 } }),
      things.get("a"),
      things.insert({ _id: "b" }),
      things.remove({ _id: "a" }),
    ].map(outcome));
    full.push(await outcome(things.get("a")), await outcome(store.ping()));
    limitFiles("unlimited");
    appendFileSync(folder + "/test/test_things.db", '{"_id":"a","n":');
    while ((await outcome(store.ping())) !== "done") await setTimeout(20);
    const after = await things.find({});
    await things.insert({ _id: "b" });
    await things.close();
    process.stdout.write(JSON.stringify({ full, after }));
  }
  main();
`;

const canLimit = spawnSync("prlimit", ["--version"]).status === 0;
const onLinux = canLimit ? describe : describe.skip;

onLinux(`the embedded store on a disk that takes no more${canLimit ? "" : " (needs prlimit)"}`, () => {
  test("says so, tells nothing that the disk does not have, and goes on once it takes writes again", async () => {
    const printed = execFileSync(process.execPath, ["--require", "tsx/cjs", "--eval", onAFullDisk, folder], {
      encoding: "utf8",
      timeout: 20_000,
    });
    expect(JSON.parse(printed)).toEqual({
      full: Array(6).fill("STORE_UNAVAILABLE"),
      after: [{ _id: "a", n: 1 }],
    });
    const { things } = await openThings();
    expect(await things.count({})).toBe(2);
    await things.close();
  });
});
