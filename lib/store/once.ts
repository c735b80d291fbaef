import { now } from "../time";
import { type Change, type Collection, type Document, DuplicateKey } from "./collection";

/** A document that events change, each once. */
export interface Remembering extends Document {
  version: number;
  /** Events that it has had the effect of and that are not in the record yet: key to RFC 3339. */
  handled: Record<string, string>;
}

/** That a document has had an event's effect, for as long as the event may come again. */
export interface HandledEvent extends Document {
  at: string;
}

const TRIES = 100;

/** An event's id may be anything; as a field's name it has no dots. */
const keyOf = (eventId: string) => Buffer.from(eventId).toString("base64url");
const recordId = (documentId: string, key: string) => `${documentId}:${key}`;

/**
 * Applies the effect of an event to a document exactly once, however often and from how many nodes at once it is asked.
 * Effect and memory are one write, on the version that was looked at. Before the memory leaves the document it is in the
 * record: so whoever reads the document first and the record then finds the event in one of them, or its write fails.
 */
export function onceBy<T extends Remembering>(documents: Collection<T>, record: Collection<HandledEvent>) {
  /** In one process they go one after the other: racing, all but one would lose and read again. */
  const queues = new Map<string, Promise<unknown>>();

  async function inTurn<R>(id: string, work: () => Promise<R>): Promise<R> {
    const turn = (queues.get(id) ?? Promise.resolve()).then(work, work);
    queues.set(id, turn);
    try {
      return await turn;
    } finally {
      if (queues.get(id) === turn) queues.delete(id);
    }
  }

  async function writeDown({ _id, handled }: T): Promise<string[]> {
    const keys = Object.keys(handled);
    if (keys.length > 0)
      await record.insertMany(keys.map((key) => ({ _id: recordId(_id, key), at: handled[key] ?? now() })));
    return keys;
  }

  async function apply(id: string, eventId: string, fresh: () => T, effect: Change): Promise<boolean> {
    const key = keyOf(eventId);
    for (let tries = 0; tries < TRIES; tries++) {
      const document = await documents.get(id);
      if (!document) {
        await documents.insert(fresh()).catch((error: unknown) => {
          if (!(error instanceof DuplicateKey)) throw error;
        });
        continue;
      }
      if (document.handled[key] !== undefined) return false;
      if (await record.get(recordId(id, key))) return false;
      const old = await writeDown(document);
      const { $set, $inc, $unset, ...others } = effect;
      const changed = await documents.update(
        { _id: id, version: document.version },
        {
          ...others,
          $set: { ...$set, [`handled.${key}`]: now() },
          $inc: { ...$inc, version: 1 },
          $unset: { ...$unset, ...Object.fromEntries(old.map((one) => [`handled.${one}`, true as const])) },
        },
        { fields: ["version"] },
      );
      if (changed) return true;
    }
    throw new Error(`${documents.name}: others changed ${id} ${TRIES} times`);
  }

  /** False where the event has had its effect before. `fresh` makes the document where there is none. */
  return (id: string, eventId: string, fresh: () => T, effect: Change): Promise<boolean> =>
    inTurn(id, () => apply(id, eventId, fresh, effect));
}
