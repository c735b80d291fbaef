import type { Collection } from "../../lib/store/collection";
import { ids, type Thing } from "./store.contract";

/** What services may rely on when they change and remove; `open` gives an empty collection. */
export function storeWrites(open: () => Promise<Collection<Thing>>, standIn: () => boolean): void {
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

    test("pushes several to a list of objects at once, and pulls those that fit conditions", async () => {
      const things = await open();
      await things.insert({ _id: "a", list: [{ id: "1", n: 1 }] });
      const more = ["2", "3", "4"].map((id) => ({ id, n: Number(id) }));
      await things.update({ _id: "a" }, { $push: { list: { $each: more }, fresh: { $each: [{ id: "x" }] } } });
      expect(await things.get("a")).toStrictEqual({
        _id: "a",
        list: [{ id: "1", n: 1 }, ...more],
        fresh: [{ id: "x" }],
      });
      await things.update({ _id: "a" }, { $pull: { list: { id: { $in: ["1", "3", "none"] } }, fresh: { id: "x" } } });
      const left = [
        { id: "2", n: 2 },
        { id: "4", n: 4 },
      ];
      expect(await things.get("a")).toStrictEqual({ _id: "a", list: left, fresh: [] });
      await things.update({ _id: "a" }, { $pull: { list: { id: { $in: [] } } } });
      await things.update({ _id: "a" }, { $pull: { list: { id: "4", n: { $lt: 4 } } } });
      expect((await things.get("a"))?.list).toStrictEqual(left);
    });

    test("takes fields from all whose value is among some", async () => {
      const things = await open();
      await things.insertMany(["1", "2", "3", "3"].map((due, i) => ({ _id: `${i}`, due, list: [{ id: due }] })));
      await things.insert({ _id: "none" });
      const unset = () => things.updateMany({ due: { $in: ["1", "3", "9"] } }, { $unset: { due: true, list: true } });
      expect(await unset()).toBe(3);
      expect(await unset()).toBe(0);
      expect(await things.find({ due: { $exists: true } })).toStrictEqual([
        { _id: "1", due: "2", list: [{ id: "2" }] },
      ]);
      expect(await things.get("3")).toStrictEqual({ _id: "3" });
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
}
