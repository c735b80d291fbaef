import type { OpenableCollection, Store } from "../../lib/store/collection";
import { type HandledEvent, onceBy, type Remembering } from "../../lib/store/once";

interface Counter extends Remembering {
  count: number;
}

/** What holds of effects that are to be once, on either store. */
export function onceContract(open: () => Store): void {
  let counters: OpenableCollection<Counter>;
  let record: OpenableCollection<HandledEvent>;
  beforeEach(async () => {
    const store = open();
    counters = store.collection("test", { name: "counters" });
    record = store.collection("test", { name: "handled" });
    await Promise.all([counters.open(), record.open()]);
  });
  afterEach(async () => {
    await Promise.all([counters.remove({}), record.remove({})]);
    await Promise.all([counters.close(), record.close()]);
  });
  /** As on a node of its own: nothing is shared but the store. */
  const counter = () => {
    const once = onceBy(counters, record);
    const fresh = () => ({ _id: "c", version: 0, handled: {}, count: 0 });
    return (event: string, by = 1) => once("c", event, fresh, { $inc: { count: by } });
  };
  const count = async () => (await counters.get("c"))?.count;

  test("an event that is repeated from several nodes at once counts once", async () => {
    const nodes = [counter(), counter(), counter()];
    const events = Array.from({ length: 20 }, (_, i) => `e${i}`);
    const applied = await Promise.all([...events, ...events].flatMap((event) => nodes.map((node) => node(event))));
    expect(applied.filter(Boolean)).toHaveLength(20);
    expect(await count()).toBe(20);
  });

  test("an event is known long after others came", async () => {
    const add = counter();
    expect(await add("first.with.dots", 5)).toBe(true);
    for (let i = 0; i < 10; i++) await add(`e${i}`);
    expect(await add("first.with.dots", 5)).toBe(false);
    expect(await count()).toBe(15);
    // The document itself remembers the last one only.
    expect(Object.keys((await counters.get("c"))?.handled ?? {})).toHaveLength(1);
  });

  test("a node that was held up between looking and writing changes nothing any more", async () => {
    const late = onceBy(counters, {
      ...record,
      // It looks before the event is known and goes on after another node did it all, the memory cleared away.
      get: async (id: string) => {
        const found = await record.get(id);
        if (!overtaken) {
          overtaken = true;
          await other("slow");
          await other("later");
        }
        return found;
      },
      insertMany: (documents: HandledEvent[]) => record.insertMany(documents),
    } as typeof record);
    let overtaken = false;
    const other = counter();
    await other("begin");
    expect(
      await late("c", "slow", () => ({ _id: "c", version: 0, handled: {}, count: 0 }), { $inc: { count: 1 } }),
    ).toBe(false);
    expect(await count()).toBe(3);
  });
}
