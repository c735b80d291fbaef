import { type Document, DuplicateKey, type Store } from "../../lib/store/collection";

interface Thing extends Document {
  name?: string;
  email?: string | null;
  count?: number;
  tags?: string[];
  nested?: { [key: string]: unknown };
  [field: string]: unknown;
}

const ids = (things: Thing[]) => things.map((thing) => thing._id);
const sorted = (things: Thing[]) => ids(things).sort();

/**
 * What services may rely on, whichever store they run on. `make` gives a store on data that outlives it. The Java
 * stand-in for MongoDB reads an updated document apart from updating it, so its answer may be of a later update.
 */
export function storeContract(make: () => Store, standIn = () => false): void {
  let number = 0;
  const opened: { close(): Promise<void> }[] = [];

  const open = async (name = `things${number++}`) => {
    const store = make();
    const things = store.collection<Thing>("test", {
      name,
      indexes: [
        { fields: ["name"], unique: true, sparse: true },
        { fields: ["count", "-_id"] },
        { fields: ["tags"] },
        { fields: ["due"], sparse: true },
      ],
    });
    await things.open();
    opened.push(things);
    return Object.assign(things, { shortName: name, store });
  };

  afterEach(async () => {
    for (const things of opened.splice(0)) await things.close();
  });

  describe("inserting", () => {
    test("answers and keeps the document, without fields that are undefined at any depth", async () => {
      const things = await open();
      const made = await things.insert({
        _id: "a",
        name: undefined,
        nested: { kept: 1, gone: undefined },
        email: null,
      });
      expect(made.nested).toEqual({ kept: 1 });
      const found = await things.get("a");
      expect(found).toStrictEqual({ _id: "a", nested: { kept: 1 }, email: null });
      expect(await things.find({ name: { $exists: false }, "nested.gone": { $exists: false } })).toHaveLength(1);
    });

    test("keeps its own copy of what it was given and gives out copies", async () => {
      const things = await open();
      const mine: Thing = { _id: "a", tags: ["x"] };
      await things.insert(mine);
      mine.tags?.push("y");
      (await things.get("a"))?.tags?.push("z");
      expect((await things.get("a"))?.tags).toEqual(["x"]);
    });

    test("refuses a second document with the same id or unique value; one without the field is no duplicate", async () => {
      const things = await open();
      await things.insert({ _id: "a", name: "one" });
      await expect(things.insert({ _id: "a", name: "two" })).rejects.toBeInstanceOf(DuplicateKey);
      await expect(things.insert({ _id: "b", name: "one" })).rejects.toBeInstanceOf(DuplicateKey);
      await things.insert({ _id: "c" });
      await things.insert({ _id: "d" });
      await expect(things.update({ _id: "c" }, { $set: { name: "one" } })).rejects.toBeInstanceOf(DuplicateKey);
      expect(await things.get("c")).toStrictEqual({ _id: "c" });
      expect(sorted(await things.find({}))).toEqual(["a", "c", "d"]);
    });

    test("of many keeps those that are no duplicates and says how many", async () => {
      const things = await open();
      await things.insert({ _id: "b" });
      expect(await things.insertMany([{ _id: "a" }, { _id: "b" }, { _id: "c" }])).toBe(2);
      expect(await things.insertMany([])).toBe(0);
      expect(sorted(await things.find({}))).toEqual(["a", "b", "c"]);
    });

    test("lets one of many racing inserts of the same unique value through", async () => {
      const things = await open();
      const race = Array.from({ length: 40 }, (_, i) => things.insert({ _id: `id${i}`, name: "same" }));
      const settled = await Promise.allSettled(race);
      expect(settled.filter((result) => result.status === "fulfilled")).toHaveLength(1);
      expect(await things.count({})).toBe(1);
    });

    test("takes any text and field name that JSON and a person may bring", async () => {
      const things = await open("texts");
      const text = 'line\u2028sep\u2029par\u0085nel\r\n\v\f "quoted" \\ \u{1F600} 가나다 \u0000';
      const odd = { errors: [1], collection: "c", schema: 1, save: true, isNew: "x", version: 3, __v: 1, type: "t" };
      await things.insert({ _id: "odd", text, ...odd });
      await things.insert({ _id: "next" });
      expect(await things.get("odd")).toStrictEqual({ _id: "odd", text, ...odd });
      await things.close();
      const again = await open("texts");
      expect(await again.get("odd")).toStrictEqual({ _id: "odd", text, ...odd });
      expect(await again.get("next")).not.toBeNull();
    });
  });

  describe("updating", () => {
    test("answers the document as it is afterwards, null where none fits", async () => {
      const things = await open();
      await things.insert({ _id: "a", count: 1 });
      expect(await things.update({ _id: "a", count: 1 }, { $inc: { count: 2 } })).toStrictEqual({ _id: "a", count: 3 });
      expect(await things.update({ _id: "a", count: 1 }, { $inc: { count: 2 } })).toBeNull();
      expect(await things.get("a")).toStrictEqual({ _id: "a", count: 3 });
    });

    test("answers only the fields that were asked for, and the id", async () => {
      const things = await open();
      await things.insert({ _id: "a", count: 1, name: "n", nested: { x: 1 } });
      const changed = await things.update({ _id: "a" }, { $inc: { count: 1 } }, { fields: ["count", "absent"] });
      expect(changed).toStrictEqual({ _id: "a", count: 2 });
      expect(await things.update({ _id: "a" }, { $inc: { count: 1 } }, { fields: [] })).toStrictEqual({ _id: "a" });
      expect(await things.get("a")).toStrictEqual({ _id: "a", count: 3, name: "n", nested: { x: 1 } });
    });

    test("is atomic: of 250 racing decrements of 100 exactly 100 succeed", async () => {
      const things = await open();
      await things.insert({ _id: "stock", count: 100 });
      const race = Array.from({ length: 250 }, () =>
        things.update({ _id: "stock", count: { $gte: 1 } }, { $inc: { count: -1 } }),
      );
      const left = (await Promise.all(race)).filter((after) => after !== null).map((after) => after.count);
      expect(left).toHaveLength(100);
      if (!standIn()) expect(new Set(left).size).toBe(100);
      expect((await things.get("stock"))?.count).toBe(0);
    });

    test("sets, unsets and counts by dotted path, making what is missing on the way", async () => {
      const things = await open();
      await things.insert({ _id: "a" });
      await things.update({ _id: "a" }, { $set: { "nested.one.deep": 1 }, $inc: { "nested.n": 2 } });
      await things.update({ _id: "a" }, { $set: { "nested.two": { x: 1 } }, $unset: { "nested.one.deep": true } });
      expect(await things.get("a")).toStrictEqual({ _id: "a", nested: { one: {}, n: 2, two: { x: 1 } } });
      expect(await things.update({ _id: "a", "nested.two": { $exists: false } }, { $set: { hit: 1 } })).toBeNull();
      expect(await things.update({ _id: "a", "nested.two.x": 1 }, { $set: { hit: 1 } })).toMatchObject({ hit: 1 });
    });

    test("pushes, adds to a set, pulls, and keeps the least and the most", async () => {
      const things = await open();
      await things.insert({ _id: "a" });
      await things.update({ _id: "a" }, { $push: { tags: "x" }, $min: { low: 5 }, $max: { high: "2026-01-01" } });
      await things.update({ _id: "a" }, { $addToSet: { tags: "x" }, $min: { low: 7 }, $max: { high: "2026-02-01" } });
      await things.update({ _id: "a" }, { $addToSet: { tags: "y" }, $min: { low: 3 }, $max: { high: "2025-01-01" } });
      expect(await things.get("a")).toStrictEqual({ _id: "a", tags: ["x", "y"], low: 3, high: "2026-02-01" });
      await things.update({ _id: "a" }, { $pull: { tags: "x" } });
      expect((await things.get("a"))?.tags).toEqual(["y"]);
    });

    test("leaves out what is undefined; a change of nothing changes nothing", async () => {
      const things = await open();
      await things.insert({ _id: "a", name: "n", count: 1 });
      expect(await things.update({ _id: "a" }, { $set: { name: undefined, nested: { x: undefined, y: 1 } } })).toEqual({
        _id: "a",
        name: "n",
        count: 1,
        nested: { y: 1 },
      });
      expect(await things.update({ _id: "a" }, { $set: { name: undefined } })).toMatchObject({ name: "n", count: 1 });
      expect(await things.updateMany({}, {})).toBe(1);
      expect(await things.get("a")).toStrictEqual({ _id: "a", name: "n", count: 1, nested: { y: 1 } });
    });

    test("refuses a write whose condition is undefined, and touches nothing", async () => {
      const things = await open();
      await things.insertMany([{ _id: "a" }, { _id: "b" }]);
      await expect((async () => things.remove({ name: undefined }))()).rejects.toThrow("undefined");
      await expect(
        (async () => things.updateMany({ count: { $lt: undefined } }, { $set: { x: 1 } }))(),
      ).rejects.toThrow();
      await expect((async () => things.update({ _id: "a", due: undefined }, { $set: { x: 1 } }))()).rejects.toThrow();
      expect(await things.count({ x: { $exists: false } })).toBe(2);
    });

    test("of many answers how many fit, removing too", async () => {
      const things = await open();
      await things.insertMany([
        { _id: "a", count: 1 },
        { _id: "b", count: 1 },
        { _id: "c", count: 2 },
      ]);
      expect(await things.updateMany({ count: 1 }, { $set: { seen: true } })).toBe(2);
      expect(await things.updateMany({ count: 1 }, { $set: { seen: true } })).toBe(2);
      expect(await things.updateMany({ count: 9 }, { $set: { seen: true } })).toBe(0);
      expect(await things.remove({ seen: true })).toBe(2);
      expect(await things.remove({ seen: true })).toBe(0);
      expect(ids(await things.find({}))).toEqual(["c"]);
    });
  });

  describe("finding", () => {
    const some: Thing[] = [
      { _id: "a", count: 1, tags: ["red", "blue"], nested: { colour: "x" }, email: "a@b" },
      { _id: "b", count: 2, tags: ["red"], email: null },
      { _id: "c", count: 2, tags: [] },
      { _id: "d", count: 3, label: "only d" },
    ];
    const cases: [string, Parameters<Awaited<ReturnType<typeof open>>["find"]>[0], string[]][] = [
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

  test("what was stored is there after closing and opening again, its indexes in force", async () => {
    const things = await open();
    await things.insert({ _id: "a", name: "one", count: 1 });
    await things.update({ _id: "a" }, { $set: { "nested.x": 1 }, $inc: { count: 1 } });
    await things.insert({ _id: "gone" });
    await things.remove({ _id: "gone" });
    await things.close();
    const again = await open(things.shortName);
    expect(await again.find({})).toStrictEqual([{ _id: "a", name: "one", count: 2, nested: { x: 1 } }]);
    await expect(again.insert({ _id: "b", name: "one" })).rejects.toBeInstanceOf(DuplicateKey);
  });

  test("indexes are in force when opening resolves, also on what was there before", async () => {
    const store = make();
    const before = store.collection<Thing>("test", { name: "grown" });
    await before.open();
    await before.insertMany([{ _id: "a", code: "1" }, { _id: "b" }]);
    await before.close();
    const after = make().collection<Thing>("test", {
      name: "grown",
      indexes: [{ fields: ["code"], unique: true, sparse: true }],
    });
    await after.open();
    opened.push(after);
    await expect(after.insert({ _id: "c", code: "1" })).rejects.toBeInstanceOf(DuplicateKey);
    expect(ids(await after.find({ code: "1" }))).toEqual(["a"]);
  });

  test("answers a ping while it is open, and refuses what is asked after it was closed", async () => {
    const things = await open();
    await things.store.ping();
    await things.close();
    await expect((async () => things.get("a"))()).rejects.toThrow("not open");
  });
}
