import type { Collection, Filter } from "../../lib/store/collection";
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

    test("answers only the fields that were asked for, and the id", async () => {
      const things = await open();
      await things.insertMany(some);
      const [first] = await things.find({ _id: "a" }, { fields: ["count", "nested.colour", "absent"] });
      expect(first).toStrictEqual({ _id: "a", count: 1, nested: { colour: "x" } });
    });
  });
}
