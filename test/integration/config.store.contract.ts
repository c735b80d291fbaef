import { newId } from "../../lib/ids";
import type { Store } from "../../lib/store/collection";
import { configStore, type Version } from "../../services/config/config.store";

const place = { label: "main", application: "lamp", profile: "default" };
const next = (value: unknown): Omit<Version, "_id" | "version"> => ({
  ...place,
  at: "2026-11-24T00:00:00.000Z",
  by: newId(),
  changes: [{ ...place, key: "lamp.hours", from: null, to: value }],
  entries: [{ ...place, key: "lamp.hours", value }],
});

/** What versions of configuration need of a store, whichever it is. */
export function configStoreContract(storeFor: () => Store): void {
  const opened: ReturnType<typeof configStore>[] = [];
  const open = async (store = storeFor()) => {
    const versions = configStore(store);
    await versions.collection.open();
    await versions.collection.remove({});
    opened.push(versions);
    return versions;
  };
  afterEach(async () => {
    for (const { collection } of opened.splice(0)) await collection.close();
  });

  it("begins with version 0, where nothing is set", async () => {
    const versions = await open();
    expect(await versions.latest()).toMatchObject({ version: 0, entries: [] });
    expect(await versions.at(0)).toMatchObject({ version: 0, entries: [] });
    expect(await versions.at(1)).toBeNull();
    expect(await versions.history({ limit: 10 })).toEqual({ items: [], nextCursor: null });
  });

  it("takes one of many that follow the same version", async () => {
    const versions = await open();
    const first = await versions.latest();
    const written = await Promise.all(Array.from({ length: 20 }, (_, i) => versions.append(first, next(i))));
    expect(written.filter((version) => version !== null)).toHaveLength(1);
    expect(await versions.latest()).toMatchObject({ version: 1, entries: [{ key: "lamp.hours" }] });
  });

  it("keeps every version as it was, in order beyond any number of digits", async () => {
    const versions = await open();
    const value = { zone: "UTC", days: ["mon"], from: "09:00", to: "18:00" };
    for (let i = 1; i <= 12; i++) await versions.append(await versions.latest(), next({ ...value, i }));
    expect(await versions.latest()).toMatchObject({ version: 12, entries: [{ value: { ...value, i: 12 } }] });
    expect(await versions.at(9)).toMatchObject({ version: 9, entries: [{ value: { i: 9 } }] });
    const pages: number[][] = [];
    for (let cursor: string | undefined; pages.length < 10; ) {
      const page = await versions.history({ limit: 5, cursor });
      pages.push(page.items.map(({ version }) => version));
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    expect(pages).toEqual([
      [12, 11, 10, 9, 8],
      [7, 6, 5, 4, 3],
      [2, 1],
    ]);
  });

  it("sees what another one wrote, and is not confused by a store that was emptied", async () => {
    const versions = await open();
    await versions.append(await versions.latest(), next("a"));
    expect((await versions.latest()).version).toBe(1);
    await versions.collection.remove({});
    expect((await versions.latest()).version).toBe(0);
    await versions.append(await versions.latest(), next("b"));
    expect(await versions.latest()).toMatchObject({ version: 1, entries: [{ value: "b" }] });
  });
}
