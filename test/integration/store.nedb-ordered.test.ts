import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Document } from "../../lib/store/collection";
import { NedbStore } from "../../lib/store/nedb";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "shop-store-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What NeDB compares and matches by, of which each index and query makes use. */
interface Model {
  compareThings(a: unknown, b: unknown): number;
  match(document: object, query: object): boolean;
}

/** How often NeDB looked at a key of an index or at a document. */
function countLooks(): { looks: number; stop(): void } {
  const model = jest.requireActual<Model>("@seald-io/nedb/lib/model.js");
  const { compareThings, match } = model;
  const counted = { looks: 0, stop: () => void Object.assign(model, { compareThings, match }) };
  Object.assign(model, {
    compareThings(a: unknown, b: unknown) {
      counted.looks += 1;
      return compareThings(a, b);
    },
    match(document: object, query: object) {
      counted.looks += 1;
      return match(document, query);
    },
  });
  return counted;
}

describe("the embedded store's index", () => {
  const index = { fields: ["due"], sparse: true };
  const openQueue = async () => {
    const queue = new NedbStore(folder).collection<Document & { due?: unknown }>("test", {
      name: "queue",
      indexes: [index],
    });
    await queue.open();
    return queue;
  };

  test("gives the first of 100,000 that wait without looking at the others", async () => {
    const counted = countLooks();
    try {
      const queue = await openQueue();
      const waiting = Array.from({ length: 100_000 }, (_, i) => ({ _id: `${i}`, due: `${1e6 + ((i * 7919) % 1e5)}` }));
      await queue.insertMany(waiting);
      // So many lines make the store count, too.
      await queue.count({});
      counted.looks = 0;
      const first = await queue.find({ due: { $gt: "" } }, { sort: ["due"], limit: 100 });
      expect(first.map(({ due }) => due)).toEqual(Array.from({ length: 100 }, (_, i) => `${1e6 + i}`));
      // Each is compared with its bound, matched, and sorted once more among the hundred.
      expect(counted.looks).toBeLessThan(2000);
      counted.looks = 0;
      expect(
        await queue.find({ due: { $lte: "1050000", $gt: "1049990" } }, { sort: ["due"], limit: 100 }),
      ).toHaveLength(10);
      expect(counted.looks).toBeLessThan(500);
      counted.looks = 0;
      await queue.find({ due: { $gt: "" } }, { sort: ["-due"], limit: 100 });
      expect(counted.looks).toBeGreaterThan(100_000);
      await queue.close();
    } finally {
      counted.stop();
    }
  }, 120_000);

  test("gives the first of many that share a value without looking at the others", async () => {
    const counted = countLooks();
    try {
      const queue = await openQueue();
      await queue.insertMany(Array.from({ length: 10_000 }, (_, i) => ({ _id: `${i}`, due: "same" })));
      counted.looks = 0;
      expect(await queue.find({ due: { $gt: "" } }, { sort: ["due"], limit: 10 })).toHaveLength(10);
      expect(counted.looks).toBeLessThan(100);
      await queue.close();
    } finally {
      counted.stop();
    }
  });

  test("is asked after every write that came before", async () => {
    const queue = await openQueue();
    const writes = [queue.insert({ _id: "a", due: "2" }), queue.insert({ _id: "b", due: "1" })];
    const both = queue.find({ due: { $gt: "" } }, { sort: ["due"], limit: 9 });
    writes.push(queue.insert({ _id: "c", due: "0" }));
    const count = queue.count({ due: { $gt: "" } });
    expect((await both).map(({ _id }) => _id)).toEqual(["b", "a"]);
    expect(await count).toBe(3);
    await Promise.all(writes);
    await queue.close();
  });

  test("answers as NeDB does where documents have lists, which it sorts as a whole", async () => {
    const queue = await openQueue();
    await queue.insertMany([
      { _id: "list", due: ["1", "3"] },
      { _id: "a", due: "2" },
    ]);
    const found = await queue.find({ due: { $gt: "" } }, { sort: ["due"] });
    expect(await queue.find({ due: { $gt: "" } }, { sort: ["due"], limit: 1 })).toEqual(found.slice(0, 1));
    expect(found[0]?._id).toBe("a");
    expect(await queue.count({ due: { $gt: "" } })).toBe(found.length);
    await queue.close();
  });
});
