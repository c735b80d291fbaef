import { conflict, type FieldError } from "../../lib/errors";
import { newId } from "../../lib/ids";
import type { Store } from "../../lib/store/collection";
import { after, isPast, now } from "../../lib/time";
import type { Line as OrderLine } from "./product.contract";
import {
  type Adjustment,
  type Archived,
  adjust,
  commit,
  extend,
  giveBack,
  type Line,
  type Operation,
  type Outcome,
  release,
  reserve,
  type Step,
  type Stock,
  undo,
  type Write,
} from "./stock";
import { AT_ONCE, archival, archiveId, lapsed, nextDue, together } from "./stock.upkeep";

/** Looks at a document that others keep changing, before it is somebody else's turn to say so. */
const ATTEMPTS = 100;

export type Level = Pick<Stock, "_id" | "available" | "version">;
export type Counts = Level & Pick<Stock, "reserved" | "sold">;

/** The holds of a much wanted SKU are many: a write answers only these. */
const COUNTS = ["available", "reserved", "sold", "version"];

/** What is available becomes `to`. */
type Correction = Omit<Adjustment, "delta"> & { to: number };

const adjustmentOf = ({ available }: Stock, given: Adjustment | Correction): Adjustment => {
  if (!("to" in given)) return given;
  const { to, ...rest } = given;
  return { ...rest, delta: to - available };
};

const lineOf = (orderId: string, items: OrderLine[]): Line[] => {
  const quantities = new Map<string, number>();
  for (const { sku, quantity } of items) quantities.set(sku, (quantities.get(sku) ?? 0) + quantity);
  return [...quantities].map(([sku, quantity]) => ({ sku, orderId, quantity }));
};

interface Settled {
  line: Line;
  outcome: Outcome;
  available: number;
}

/** Stock of each SKU with what orders hold of it, and the archive of what they held. Each write is told to `wrote`. */
export function stockStore(store: Store, wrote: (level: Level) => void) {
  const stock = store.collection<Stock>("product", {
    name: "stock",
    indexes: [{ fields: ["productId"] }, { fields: ["due"], sparse: true }],
  });
  const archive = store.collection<Archived>("product", { name: "stock_archive" });

  async function write(sku: string, { when, change }: Write): Promise<Counts | null> {
    const written = await stock.update({ ...when, _id: sku }, change, { fields: COUNTS });
    if (written) wrote(written);
    return written;
  }

  /** Looks and writes until it is done or cannot be; the document is read before the archive, which it moves to. */
  async function settle(
    sku: string,
    archivedAs: string,
    next: (stock: Stock, archived: Archived | null) => Step,
  ): Promise<{ outcome: Outcome; stock: Counts | null }> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = await stock.get(sku);
      if (!found) return { outcome: "short", stock: null };
      const inDocument = found.reservations[archivedAs] !== undefined;
      const step = next(found, inDocument ? null : await archive.get(archiveId(sku, archivedAs)));
      if (typeof step === "string") return { outcome: step, stock: found };
      const written = await write(sku, step);
      if (written) return { outcome: "done", stock: written };
    }
    throw new Error(`${sku}: others were faster ${ATTEMPTS} times`);
  }

  async function run(line: Line, { first, next }: Operation): Promise<Settled> {
    const written = await write(line.sku, first);
    if (written) return { line, outcome: "done", available: written.available };
    const { outcome, stock } = await settle(line.sku, line.orderId, next);
    return { line, outcome, available: stock?.available ?? 0 };
  }

  const runAll = (lines: Line[], operation: (line: Line) => Operation) =>
    Promise.all(lines.map((line) => run(line, operation(line))));

  function shortages(results: Settled[], items: OrderLine[]): FieldError[] {
    return results
      .filter(({ outcome }) => outcome === "short")
      .map(({ line: { sku }, available }) => ({
        path: `items.${items.findIndex((item) => item.sku === sku)}.sku`,
        message: available > 0 ? `only ${available} left` : "sold out",
        sku,
      }));
  }

  const insufficient = (errors: FieldError[]) =>
    conflict("INSUFFICIENT_STOCK", "There is not enough in stock.", { errors });
  const expired = () => conflict("RESERVATION_EXPIRED", "The time to hold stock for this order is over.");

  return {
    collections: [stock, archive] as const,
    stock,

    async reserve(orderId: string, until: string, items: OrderLine[]): Promise<void> {
      const expiresAt = after(0, until);
      if (isPast(expiresAt)) throw expired();
      const by = newId();
      const lines = lineOf(orderId, items);
      const results = await runAll(lines, (line) => reserve(line, expiresAt, by, now()));
      if (results.every(({ outcome }) => outcome === "done")) return;
      await Promise.all(lines.map((line) => write(line.sku, undo(line, by))));
      const errors = shortages(results, items);
      throw errors.length > 0 ? insufficient(errors) : expired();
    },

    async extend(orderId: string, until: string, items: OrderLine[]): Promise<void> {
      const expiresAt = after(0, until);
      await Promise.all(lineOf(orderId, items).map((line) => write(line.sku, extend(line, expiresAt))));
    },

    async commit(orderId: string, items: OrderLine[]): Promise<void> {
      const results = await runAll(lineOf(orderId, items), (line) => commit(line, now()));
      const errors = shortages(results, items);
      if (errors.length > 0) throw insufficient(errors);
      if (results.some(({ outcome }) => outcome === "closed"))
        throw conflict("STOCK_RETURNED", "The stock of this order was given back.");
    },

    async release(orderId: string, items: OrderLine[]): Promise<void> {
      const results = await runAll(lineOf(orderId, items), (line) => release(line, now()));
      if (results.some(({ outcome }) => outcome === "sold"))
        throw conflict("STOCK_COMMITTED", "The stock of this order is sold already.");
    },

    async giveBack(orderId: string, items: OrderLine[]): Promise<void> {
      await runAll(lineOf(orderId, items), (line) => giveBack(line, now()));
    },

    /** The stock as it is after an adjustment, null for an unknown SKU. Once for each id. */
    async adjust(sku: string, id: string, adjustment: Adjustment | Correction): Promise<Counts | null> {
      const settled = await settle(sku, id, (found, archived) =>
        adjust(found, id, adjustmentOf(found, adjustment), archived),
      );
      if (settled.stock && settled.outcome === "short") {
        const message = `only ${settled.stock.available} available`;
        throw insufficient([{ path: "delta", message, sku }]);
      }
      return settled.stock;
    },

    get: (sku: string) => stock.get(sku),

    /** What an order had of a SKU, once that has left the stock's own document. */
    archived: (sku: string, orderId: string) => archive.get(archiveId(sku, orderId)),

    /** What became of a SKU and has left its document, the newest first; `of` is the order, or who adjusted it. */
    async history(sku: string, limit: number) {
      // `;` is the character after `:`.
      const found = await archive.find({ _id: { $gt: archiveId(sku, ""), $lt: `${sku};` } }, { sort: ["-at"], limit });
      return found.map(({ _id, quantity, state, at, reason, by }) => ({
        ...{ at, what: state, quantity, of: by ?? _id.slice(archiveId(sku, "").length) },
        ...(reason && { reason }),
      }));
    },

    levels: (skus: string[]): Promise<(Level & Pick<Stock, "productId">)[]> =>
      stock.find({ _id: { $in: skus } }, { fields: ["productId", "available", "version"] }),

    /** Releases what lapsed, archives what is settled, and says when to look again. For a sweeper. */
    async upkeep(due: Stock): Promise<void> {
      const at = now();
      await releaseLapsed(due, at);
      let current = await stock.get(due._id);
      for (let old = current && archival(current, at); old; old = current && archival(current, at)) {
        await keep(old.records);
        if (!(await write(due._id, old.removal))) break;
        current = await stock.get(due._id);
      }
      if (!current) return;
      const next = nextDue(current);
      const when = { _id: current._id, version: current.version };
      await stock.update(when, next ? { $set: { due: next } } : { $unset: { due: true } }, { fields: [] });
    },
  };

  async function releaseLapsed(due: Stock, at: string): Promise<void> {
    const writes = lapsed(due, at);
    for (let start = 0; start < writes.length; start += AT_ONCE) {
      const some = writes.slice(start, start + AT_ONCE);
      if (await write(due._id, together(some))) continue;
      // One of them was settled meanwhile: the others lapse all the same.
      for (const one of some) await write(due._id, one);
    }
  }

  /** A record only moves on: a sweeper that was held up must not write an older state over a newer one. */
  async function keep(records: Archived[]): Promise<void> {
    if ((await archive.insertMany(records)) === records.length) return;
    for (const { _id, rank, state, at } of records)
      await archive.update({ _id, rank: { $lt: rank } }, { $set: { state, rank, at } });
  }
}

export type StockStore = ReturnType<typeof stockStore>;
