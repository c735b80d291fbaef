import type { Filter } from "../../lib/store/collection";
import { after } from "../../lib/time";
import { type Archived, type Hold, type HoldState, letGo, SETTLED_MS, type Stock, type Write } from "./stock";

/** More holds than this make each write heavy: then what is sold leaves as soon as it is settled for a while. */
const CROWDED = 100;

/** Holds that one write takes along: its condition names each. */
export const AT_ONCE = 100;

const RANK: Record<HoldState, number> = { reserved: 0, released: 1, committed: 2, returned: 3 };

export const archiveId = (sku: string, id: string): string => `${sku}:${id}`;

/** Reservations that lapsed by `at`, each with the write that releases it. */
export const lapsed = (stock: Stock, at: string): Write[] =>
  Object.entries(stock.reservations)
    .filter(([, hold]) => hold.state === "reserved" && hold.expiresAt <= at)
    .map(([orderId, hold]) => {
      const { when, change } = letGo({ sku: stock._id, orderId, quantity: hold.quantity }, "released", at);
      return { when: { ...when, [`reservations.${orderId}.expiresAt`]: hold.expiresAt }, change };
    });

/** Several writes to one document as one: all of them or none. */
export function together(writes: Write[]): Write {
  const $inc: Record<string, number> = {};
  for (const { change } of writes)
    for (const [field, by] of Object.entries(change.$inc ?? {})) $inc[field] = ($inc[field] ?? 0) + by;
  const [due] = writes.flatMap(({ change }) => change.$min?.due ?? []).sort();
  return {
    when: Object.assign({}, ...writes.map(({ when }) => when)),
    change: {
      $set: Object.assign({}, ...writes.map(({ change }) => change.$set)),
      $inc,
      ...(due !== undefined && { $min: { due } }),
    },
  };
}

/** When a hold has to be looked at: where it lapses or, settled, where nothing that is late can ask for it any more. */
function dueAt({ state, expiresAt, settledAt = expiresAt }: Hold, crowded: boolean): string {
  if (state === "reserved") return expiresAt;
  const last = crowded && state === "committed" ? settledAt : [expiresAt, settledAt].sort()[1];
  return after(SETTLED_MS, last);
}

const isCrowded = (stock: Stock) => Object.keys(stock.reservations).length > CROWDED;

export interface Archival {
  records: Archived[];
  /** Takes them out of the document, once they are all in the archive. */
  removal: Write;
}

/** What is settled and old enough at `at` to leave the document, or a part of it; undefined when nothing is. */
export function archival(stock: Stock, at: string): Archival | undefined {
  const records: Archived[] = [];
  const when: Filter = {};
  const $unset: Record<string, true> = {};
  const crowded = isCrowded(stock);
  let earlyUntil: string | undefined;
  for (const [orderId, hold] of Object.entries(stock.reservations)) {
    const { state, quantity, settledAt = at } = hold;
    if (state === "reserved" || dueAt(hold, crowded) > at) continue;
    if (Object.keys($unset).length === AT_ONCE) break;
    // What was only let go needs no memory: a later call of the order would change nothing that this record could tell.
    if (state !== "released")
      records.push({ _id: archiveId(stock._id, orderId), quantity, state, rank: RANK[state], at: settledAt });
    if (hold.expiresAt > at && hold.expiresAt > (earlyUntil ?? "")) earlyUntil = hold.expiresAt;
    when[`reservations.${orderId}.state`] = state;
    $unset[`reservations.${orderId}`] = true;
  }
  for (const [id, { delta, reason, by, at: made }] of Object.entries(stock.adjustments)) {
    if (after(SETTLED_MS, made) > at) continue;
    const record = { quantity: delta, state: "adjusted", rank: 0, at: made, reason, by } as const;
    records.push({ _id: archiveId(stock._id, id), ...record });
    $unset[`adjustments.${id}`] = true;
  }
  if (Object.keys($unset).length === 0) return undefined;
  const change = { $unset, $inc: { version: 1 }, ...(earlyUntil && { $max: { earlyUntil } }) };
  return { records, removal: { when, change } };
}

/** When the document has to be looked at again; undefined when it is at rest. */
export function nextDue(stock: Stock): string | undefined {
  const crowded = isCrowded(stock);
  const times = [
    ...Object.values(stock.reservations).map((hold) => dueAt(hold, crowded)),
    ...Object.values(stock.adjustments).map((adjustment) => after(SETTLED_MS, adjustment.at)),
  ];
  return times.sort()[0];
}
