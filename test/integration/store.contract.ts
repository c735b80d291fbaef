import { type Document, DuplicateKey, type Store } from "../../lib/store/collection";
import { storeReads } from "./store.reads.contract";
import { storeWrites } from "./store.writes.contract";

export interface Thing extends Document {
  name?: string;
  email?: string | null;
  count?: number;
  tags?: string[];
  nested?: { [key: string]: unknown };
  [field: string]: unknown;
}

export const ids = (things: Thing[]) => things.map((thing) => thing._id);
export const sorted = (things: Thing[]) => ids(things).sort();

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

  storeWrites(open, standIn);

  storeReads(open);

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

  test("a unique index of a nested field binds inserts and updates, and leaves out who has none", async () => {
    const options = { name: "nested", indexes: [{ fields: ["links.a.subject"], unique: true, sparse: true }] };
    const things = make().collection<Thing>("test", options);
    await things.open();
    opened.push(things);
    const linked = (subject: string) => ({ $set: { "links.a": { subject } } });
    await things.insertMany([{ _id: "1" }, { _id: "2", links: {} }, { _id: "3", links: { b: { subject: "x" } } }]);
    await things.insert({ _id: "4", links: { a: { subject: "x" } } });
    await expect(things.insert({ _id: "5", links: { a: { subject: "x" } } })).rejects.toBeInstanceOf(DuplicateKey);
    await expect(things.update({ _id: "1" }, linked("x"))).rejects.toBeInstanceOf(DuplicateKey);
    expect(await things.get("1")).toStrictEqual({ _id: "1" });
    const racing = ["1", "2", "3"].map((_id) => things.update({ _id }, linked("y")).catch(() => "refused"));
    expect((await Promise.all(racing)).filter((end) => end === "refused")).toHaveLength(2);
    expect(await things.count({ "links.a.subject": "y" })).toBe(1);
    await things.update({ _id: "4" }, { $unset: { "links.a": true } });
    await things.insert({ _id: "5", links: { a: { subject: "x" } } });
    await things.update({ _id: "5" }, { $unset: { links: true } });
    expect(await things.update({ _id: "4" }, linked("x"))).toMatchObject({ links: { a: { subject: "x" } } });
    expect(ids(await things.find({ "links.a.subject": "x" }))).toEqual(["4"]);
  });

  test("answers a ping while it is open, and refuses what is asked after it was closed", async () => {
    const things = await open();
    await things.store.ping();
    await things.close();
    await expect((async () => things.get("a"))()).rejects.toThrow("not open");
  });
}
