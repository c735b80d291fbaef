import type { Collection, Filter, Operators } from "../../lib/store/collection";
import { ids, sorted, type Thing } from "./store.contract";

/** What services may rely on when they read; `open` gives an empty collection. */
export function storeReads(open: () => Promise<Collection<Thing>>): void {
  describe("finding", () => {
    const some: Thing[] = [
      { _id: "a", count: 1, tags: ["red", "blue"], nested: { colour: "x" }, email: "a@b" },
      { _id: "b", count: 2, tags: ["red"], email: null },
      { _id: "c", count: 2, tags: [] },
      { _id: "d", count: 3, label: "only d" },
    ];
    const cases: [string, Filter, string[]][] = [
      ["equality", { count: 2 }, ["b", "c"]],
      ["several conditions", { count: 2, email: null, tags: "red" }, ["b"]],
      ["a field that no index and no schema knows", { label: "only d" }, ["d"]],
      ["a field that nobody has", { nothing: "x" }, []],
      ["comparison", { count: { $gt: 1, $lte: 2 } }, ["b", "c"]],
      ["comparison of another type", { count: { $gt: "1" } }, []],
      ["an element of an array", { tags: "red" }, ["a", "b"]],
      ["elements of an array, all of them", { tags: "red", $and: [{ tags: "blue" }] }, ["a"]],
      ["$in", { count: { $in: [1, 3, 9] } }, ["a", "d"]],
      ["$in of nothing", { count: { $in: [] } }, []],
      ["$in on an array", { tags: { $in: ["blue", "green"] } }, ["a"]],
      ["$nin", { count: { $nin: [1, 3] } }, ["b", "c"]],
      ["$nin on an array", { tags: { $nin: ["blue"] } }, ["b", "c", "d"]],
      ["$ne, fitting a missing field too", { label: { $ne: "only d" } }, ["a", "b", "c"]],
      ["$ne on an array", { tags: { $ne: "red" } }, ["c", "d"]],
      ["null, fitting a missing field too", { email: null }, ["b", "c", "d"]],
      ["$ne null", { email: { $ne: null } }, ["a"]],
      ["$in with null", { email: { $in: ["a@b", null] }, count: 2 }, ["b", "c"]],
      ["$exists, null being there", { email: { $exists: true } }, ["a", "b"]],
      ["$exists false", { email: { $exists: false } }, ["c", "d"]],
      ["$exists of an array, an empty one being there", { tags: { $exists: true } }, ["a", "b", "c"]],
      ["$exists false of an array", { tags: { $exists: false } }, ["d"]],
      ["a dotted path", { "nested.colour": "x" }, ["a"]],
      ["a dotted path that is missing", { "nested.colour": { $exists: false } }, ["b", "c", "d"]],
      ["$or", { $or: [{ count: 1 }, { label: "only d" }] }, ["a", "d"]],
      ["$or within $and", { $and: [{ count: 2 }, { $or: [{ tags: "red" }, { email: "a@b" }] }] }, ["b"]],
      ["$or beside equality", { count: 2, $or: [{ tags: "red" }, { count: 1 }] }, ["b"]],
      [
        "conditions that are undefined, left out",
        { count: undefined, tags: { $in: undefined }, label: "only d" },
        ["d"],
      ],
      ["no part of $and, all", { $and: [] }, ["a", "b", "c", "d"]],
    ];
    test.each(cases)("%s", async (_, filter, expected) => {
      const things = await open();
      await things.insertMany(some);
      expect(sorted(await things.find(filter))).toEqual(expected);
      expect(await things.count(filter)).toBe(expected.length);
      expect((await things.findOne(filter)) !== null).toBe(expected.length > 0);
    });

    test("sorts by several fields in either direction, missing before null before numbers, and limits", async () => {
      const things = await open();
      await things.insertMany([...some, { _id: "e", count: 0 }, { _id: "f" }]);
      expect(ids(await things.find({}, { sort: ["count", "-_id"] }))).toEqual(["f", "e", "a", "c", "b", "d"]);
      expect(ids(await things.find({}, { sort: ["-count", "_id"], limit: 3 }))).toEqual(["d", "b", "c"]);
    });

    test("orders text by code point, as keysets need it", async () => {
      const things = await open();
      await things.insertMany(["b", "B", "가", "a", "é", "나"].map((text, i) => ({ _id: `${i}`, text })));
      const found = await things.find({}, { sort: ["text"] });
      expect(found.map((thing) => thing.text)).toEqual(["B", "a", "b", "é", "가", "나"]);
    });

    test("a keyset walks all rows once while others are inserted", async () => {
      const things = await open();
      await things.insertMany(Array.from({ length: 30 }, (_, i) => ({ _id: `r${i + 100}`, count: i % 4 })));
      const seen: string[] = [];
      let last: Thing | undefined;
      for (;;) {
        const beyond = last && {
          $or: [{ count: { $gt: last.count as number } }, { count: last.count as number, _id: { $lt: last._id } }],
        };
        const page = await things.find({ ...beyond }, { sort: ["count", "-_id"], limit: 7 });
        if (page.length === 0) break;
        seen.push(...ids(page));
        last = page.at(-1);
        await things.insert({ _id: `early${seen.length}`, count: -1 });
      }
      expect(seen).toHaveLength(30);
      expect(new Set(seen).size).toBe(30);
    });

    const ranges: [string, Operators, (string | number)[]][] = [
      ["$gt", { $gt: "b" }, ["c", "d"]],
      ["$gt of the least text", { $gt: "" }, ["a", "b", "b", "c", "d"]],
      ["$gte", { $gte: "b" }, ["b", "b", "c", "d"]],
      ["$lt", { $lt: "c" }, ["a", "b", "b"]],
      ["$lte", { $lte: "b" }, ["a", "b", "b"]],
      ["both ends, open", { $gt: "a", $lt: "d" }, ["b", "b", "c"]],
      ["both ends, closed", { $gte: "b", $lte: "c" }, ["b", "b", "c"]],
      ["numbers", { $gte: 1 }, [1, 2]],
      ["numbers below", { $lt: 2 }, [0, 1]],
      ["nothing between", { $gt: "b", $lt: "b" }, []],
      ["nothing above", { $gt: "d" }, []],
    ];
    test.each(ranges)("a range of an index in its order, as many as are wanted: %s", async (_, due, expected) => {
      const things = await open();
      // One without, and values of all kinds.
      const dues = ["d", "b", 1, "a", null, 0, "c", true, "b", 2, undefined];
      await things.insertMany(dues.map((value, i) => ({ _id: `${i}`, due: value })));
      for (const limit of [undefined, 1, 2, 3, 20]) {
        const found = await things.find({ due }, { sort: ["due"], limit });
        expect(found.map((thing) => thing.due)).toEqual(expected.slice(0, limit));
        expect(new Set(ids(found)).size).toBe(found.length);
      }
      expect(await things.count({ due })).toBe(expected.length);
    });

    test("those that share a value are cut by the limit and not doubled", async () => {
      const things = await open();
      await things.insertMany(Array.from({ length: 9 }, (_, i) => ({ _id: `${i}`, due: i < 2 ? "a" : "b" })));
      const found = await things.find({ due: { $gt: "" } }, { sort: ["due"], limit: 5 });
      expect(found.map((thing) => thing.due)).toEqual(["a", "a", "b", "b", "b"]);
      expect(new Set(ids(found)).size).toBe(5);
    });

    test("a range's documents are copies, and have the fields that were asked for", async () => {
      const things = await open();
      await things.insertMany([
        { _id: "a", due: "1", nested: { x: 1, y: 1 }, tags: ["t"] },
        { _id: "b", due: "2" },
      ]);
      const first = async (fields?: string[]) =>
        (await things.find({ due: { $gt: "" } }, { sort: ["due"], limit: 1, fields }))[0];
      (await first())?.tags?.push("mine");
      expect(await first()).toStrictEqual({ _id: "a", due: "1", nested: { x: 1, y: 1 }, tags: ["t"] });
      expect(await first(["nested.x", "absent"])).toStrictEqual({ _id: "a", nested: { x: 1 } });
    });

    test("what waits is taken in order, a few at a time, while it changes", async () => {
      const things = await open();
      await things.insertMany(Array.from({ length: 20 }, (_, i) => ({ _id: `${i}`, due: `${100 + ((i * 7) % 20)}` })));
      const taken: unknown[] = [];
      for (;;) {
        const found = await things.find({ due: { $lte: "2" } }, { sort: ["due"], limit: 6 });
        if (found.length === 0) break;
        taken.push(...found.map((thing) => thing.due));
        await things.updateMany({ _id: { $in: ids(found) } }, { $unset: { due: true } });
        // One goes to the end of the queue, one is gone.
        if (taken.length === 6) await things.update({ due: "106" }, { $set: { due: "199" } });
        if (taken.length === 6) await things.remove({ due: "107" });
      }
      expect(taken).toEqual(
        [100, 101, 102, 103, 104, 105, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 199].map(String),
      );
    });

    test("answers only the fields that were asked for, and the id", async () => {
      const things = await open();
      await things.insertMany(some);
      const [first] = await things.find({ _id: "a" }, { fields: ["count", "nested.colour", "absent"] });
      expect(first).toStrictEqual({ _id: "a", count: 1, nested: { colour: "x" } });
    });
  });
}
