import type { Change, Document, Filter } from "../../lib/store/collection";
import { after } from "../../lib/time";

export type HoldState = "reserved" | "released" | "committed" | "returned";

/** What one order has of a SKU. Past `reserved` it only says that the order was served, until it is archived. */
export interface Hold {
  quantity: number;
  state: HoldState;
  /** RFC 3339: when it lapses unless it was settled; until then a late repetition of the reservation must find it. */
  expiresAt: string;
  /** When it was committed, released or returned. */
  settledAt?: string;
  /** The call that took it last; the one that finds another line short gives back what is still its own. */
  by?: string;
}

export interface Adjustment {
  delta: number;
  reason: string;
  by: string;
  at: string;
}

/**
 * The stock of one SKU. `available + reserved + sold` is what was put in, whatever happens; every change below is one
 * conditional write to this document.
 */
export interface Stock extends Document {
  productId: string;
  available: number;
  reserved: number;
  sold: number;
  reservations: Record<string, Hold>;
  adjustments: Record<string, Adjustment>;
  /** Counts writes, from the time of making on: also a SKU that was given up and made again only goes forward. */
  version: number;
  /** Until then a hold that left early might be asked for once more: a reservation has to look into the archive. */
  earlyUntil?: string;
  /** The product that wants the SKU is not there yet. */
  claimed?: boolean;
  due?: string;
}

/** A hold or an adjustment that has left the stock document. A hold only moves on to a state of higher rank. */
export interface Archived extends Document {
  quantity: number;
  state: HoldState | "adjusted";
  rank: number;
  at: string;
  reason?: string;
  by?: string;
}

/** A conditional write: done when a document fits, and nothing happened when none does. */
export interface Write {
  when: Filter;
  change: Change;
}

export type Outcome = "done" | "short" | "expired" | "closed" | "sold";
/** What is left to do: a write to try, or the end of it. */
export type Step = Write | Outcome;

export interface Line {
  sku: string;
  orderId: string;
  quantity: number;
}

/** One thing that an order does to the stock of one line. */
export interface Operation {
  /** What fits nearly always, tried without a look. */
  first: Write;
  /** What to do seen the stock and, where the order holds nothing in it, the archive. */
  next(stock: Stock, archived: Archived | null): Step;
}

/** A settled hold stays this long, so that a repeated call finds it at once. */
export const SETTLED_MS = 60_000;
/** What came before its reservation refuses it for longer than any message travels. */
const REFUSED_MS = 3_600_000;

const path = (orderId: string) => `reservations.${orderId}`;
const holds = ({ orderId, quantity }: Line, state: HoldState): Filter => ({
  [`${path(orderId)}.state`]: state,
  [`${path(orderId)}.quantity`]: quantity,
});
const holdsNothing = ({ orderId }: Line): Filter => ({ [path(orderId)]: { $exists: false } });
const has = (quantity: number): Filter => ({ available: { $gte: quantity } });
const moved = (available: number, reserved: number, sold: number) => ({ available, reserved, sold, version: 1 });

const put = ({ orderId }: Line, hold: Hold): Pick<Change, "$set" | "$min"> => ({
  $set: { [path(orderId)]: hold },
  $min: { due: hold.settledAt ? after(SETTLED_MS, hold.settledAt) : hold.expiresAt },
});

const settled = ({ orderId }: Line, state: HoldState, at: string): Pick<Change, "$set" | "$min"> => ({
  $set: { [`${path(orderId)}.state`]: state, [`${path(orderId)}.settledAt`]: at },
  $min: { due: after(SETTLED_MS, at) },
});

/** A write on the condition that nothing at all was changed since: an archived hold cannot be seen from the document. */
const ifUnchanged = (stock: Stock, { when, change }: Write): Write => ({
  when: { ...when, version: stock.version },
  change,
});

/** Takes stock until `expiresAt`. A repeated call takes the reservation over, so that the earlier one leaves it alone. */
export function reserve(line: Line, expiresAt: string, by: string, at: string): Operation {
  const { orderId, quantity } = line;
  const take: Write = {
    when: { ...holdsNothing(line), ...has(quantity) },
    change: { ...put(line, { quantity, state: "reserved", expiresAt, by }), $inc: moved(-quantity, quantity, 0) },
  };
  return {
    first: { ...take, when: { ...take.when, $or: [{ earlyUntil: null }, { earlyUntil: { $lt: at } }] } },
    next({ available, reservations }, archived) {
      const hold = reservations[orderId];
      if (!hold && archived) return archived.state === "committed" ? "done" : "expired";
      if (!hold) return available < quantity ? "short" : take;
      if (hold.state === "committed") return "done";
      if (hold.state !== "reserved") return "expired";
      if (hold.by === undefined || hold.by >= by) return "done";
      const field = `${path(orderId)}.by`;
      const when = { [`${path(orderId)}.state`]: "reserved", [field]: hold.by };
      return { when, change: { $set: { [field]: by }, $inc: { version: 1 } } };
    },
  };
}

/** Undoes a reservation as if it had never been, unless a later call has taken it over. */
export const undo = (line: Line, by: string): Write => ({
  when: { ...holds(line, "reserved"), [`${path(line.orderId)}.by`]: by },
  change: { $unset: { [path(line.orderId)]: true }, $inc: moved(line.quantity, -line.quantity, 0) },
});

export function extend(line: Line, expiresAt: string): Write {
  const until = `${path(line.orderId)}.expiresAt`;
  return {
    when: { [`${path(line.orderId)}.state`]: "reserved" },
    change: { $max: { [until]: expiresAt }, $inc: { version: 1 } },
  };
}

/** The write that frees a reservation of that many. */
export const letGo = (line: Line, state: "released" | "returned", at: string): Write => ({
  when: holds(line, "reserved"),
  change: { ...settled(line, state, at), $inc: moved(line.quantity, -line.quantity, 0) },
});

/** The order's end came before its reservation did, which may still be on its way: it must find the door shut. */
const refuse = (stock: Stock, line: Line, state: "released" | "returned", at: string): Write => {
  const hold: Hold = { quantity: line.quantity, state, expiresAt: after(REFUSED_MS, at), settledAt: at };
  return ifUnchanged(stock, { when: holdsNothing(line), change: { ...put(line, hold), $inc: { version: 1 } } });
};

/** Reserved stock is sold. What lapsed takes free stock once more. */
export function commit(line: Line, at: string): Operation {
  const { orderId, quantity } = line;
  const sale = (of: Line): Write => ({
    when: holds(of, "reserved"),
    change: { ...settled(of, "committed", at), $inc: moved(0, -of.quantity, of.quantity) },
  });
  return {
    first: sale(line),
    next(stock, archived) {
      const hold = stock.reservations[orderId];
      const state = hold?.state ?? archived?.state;
      if (hold?.state === "reserved") return sale({ ...line, quantity: hold.quantity });
      if (state === "committed") return "done";
      if (state === "returned") return "closed";
      if (stock.available < quantity) return "short";
      const sold: Hold = {
        quantity,
        state: "committed",
        expiresAt: hold?.expiresAt ?? after(REFUSED_MS, at),
        settledAt: at,
      };
      const change = { ...put(line, sold), $inc: moved(-quantity, 0, quantity) };
      return ifUnchanged(stock, { when: has(quantity), change });
    },
  };
}

/** Reserved stock is free again. What is sold stays sold. */
export function release(line: Line, at: string): Operation {
  return {
    first: letGo(line, "released", at),
    next(stock, archived) {
      const hold = stock.reservations[line.orderId];
      if (hold?.state === "reserved") return letGo({ ...line, quantity: hold.quantity }, "released", at);
      const state = hold?.state ?? archived?.state;
      if (state === "committed") return "sold";
      return state === undefined ? refuse(stock, line, "released", at) : "done";
    },
  };
}

/** Whatever the order holds is free again, and it can take none any more. */
export function giveBack(line: Line, at: string): Operation {
  const { orderId } = line;
  const back = (of: Line): Write => ({
    when: holds(of, "committed"),
    change: { ...settled(of, "returned", at), $inc: moved(of.quantity, 0, -of.quantity) },
  });
  return {
    first: back(line),
    next(stock, archived) {
      const hold = stock.reservations[orderId];
      if (hold?.state === "reserved") return letGo({ ...line, quantity: hold.quantity }, "returned", at);
      if (hold?.state === "committed") return back({ ...line, quantity: hold.quantity });
      if (hold?.state === "released")
        return {
          when: { [`${path(orderId)}.state`]: "released" },
          change: { ...settled(line, "returned", at), $inc: { version: 1 } },
        };
      if (hold || archived?.state === "returned") return "done";
      if (archived?.state !== "committed") return refuse(stock, line, "returned", at);
      const { quantity } = archived;
      const returned: Hold = { quantity, state: "returned", expiresAt: after(REFUSED_MS, at), settledAt: at };
      const change = { ...put(line, returned), $inc: moved(quantity, 0, -quantity) };
      return ifUnchanged(stock, { when: holdsNothing(line), change });
    },
  };
}

/** Puts stock in or takes some out, once for each id; `archived` is the adjustment of that id that was archived. */
export function adjust(stock: Stock, id: string, adjustment: Adjustment, archived: Archived | null): Step {
  if (archived || stock.adjustments[id]) return "done";
  if (stock.available + adjustment.delta < 0) return "short";
  return ifUnchanged(stock, {
    when: { available: { $gte: -adjustment.delta } },
    change: {
      $set: { [`adjustments.${id}`]: adjustment },
      $inc: moved(adjustment.delta, 0, 0),
      $min: { due: after(SETTLED_MS, adjustment.at) },
    },
  });
}
