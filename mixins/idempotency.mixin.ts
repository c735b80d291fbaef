import { createHash } from "node:crypto";
import type { Middleware, ServiceBroker, ServiceSchema } from "moleculer";
import type { ShopContext } from "../lib/actions";
import { conflict, type ErrorData, ShopError, unprocessable } from "../lib/errors";
import { newId } from "../lib/ids";
import { nodeOf } from "../lib/node";
import { type Collection, type Document, DuplicateKey } from "../lib/store/collection";
import { after, isPast, now } from "../lib/time";
import { collectionsMixin } from "./collections.mixin";
import { maintenanceMixin } from "./maintenance.mixin";
import { localAction } from "./middleware";

const KEEP_MS = 24 * 3600 * 1000;
const CLEAN_EVERY_MS = 3600 * 1000;
/** At most 30 s by contract: a dead node's key is free again then. */
const MAX_LEASE_MS = 20_000;

type Answer =
  | { status: number; body: unknown; location?: string }
  | { error: { code: number; type: string; message: string; data: ErrorData }; requestId: string };

interface KeyRecord extends Document {
  /** Whose request it was; the kept answer may hold personal data of theirs. */
  userId: string;
  /** Hash of what was asked, to tell another request with the same key. */
  fingerprint: string;
  /** The id of what the operation makes: a second try of the same key goes on with it. */
  operationId: string;
  leaseUntil: string;
  owner: string;
  answer?: Answer;
  createdAt: string;
}

const recordsOf = new WeakMap<object, Collection<KeyRecord>>();

const hash = (...parts: string[]) => createHash("sha256").update(parts.join("\n")).digest("base64url");

/** JSON with the fields of each object in one order, so that the same request has the same text. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );

/** The id under which an operation makes its aggregate; stable over retries of one `Idempotency-Key`. */
export function operationId(ctx: ShopContext): string {
  const id: unknown = ctx.locals.operationId;
  return typeof id === "string" ? id : newId();
}

/** Gives a service the records behind its actions' `idempotency`. */
export function idempotencyMixin(broker: ServiceBroker, service: string): Partial<ServiceSchema> {
  const records = nodeOf(broker).store.collection<KeyRecord>(service, {
    name: "idempotency_keys",
    indexes: [{ fields: ["createdAt"] }, { fields: ["userId"], mongoOnly: true }],
  });
  return {
    // The last starts first and stops last: the records are open while they are cleaned.
    mixins: [
      maintenanceMixin(CLEAN_EVERY_MS, () => records.remove({ createdAt: { $lt: after(-KEEP_MS) } })),
      collectionsMixin(records),
    ],
    created() {
      recordsOf.set(this, records);
    },
  };
}

/** Drops what a service answered to a user who is erased. `owner` is the service's instance. */
export async function forgetAnswers(owner: object, userId: string): Promise<void> {
  await recordsOf.get(owner)?.remove({ userId });
}

/** Claims the key for this run, or throws what the contract answers instead; a finished record comes back with its answer. */
async function claim(
  records: Collection<KeyRecord>,
  { id, userId, fingerprint, leaseMs }: { id: string; userId: string; fingerprint: string; leaseMs: number },
) {
  const owner = newId();
  const lease = { owner, leaseUntil: after(leaseMs) };
  try {
    return await records.insert({ _id: id, userId, fingerprint, operationId: newId(), ...lease, createdAt: now() });
  } catch (error) {
    if (!(error instanceof DuplicateKey)) throw error;
  }
  const existing = await records.get(id);
  if (!existing) throw conflict("IDEMPOTENCY_IN_PROGRESS", "This Idempotency-Key has just been released; try again.");
  if (existing.fingerprint !== fingerprint)
    throw unprocessable("IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key was used for another request.");
  if (existing.answer) return existing;
  const taken = isPast(existing.leaseUntil)
    ? await records.update({ _id: id, owner: existing.owner, answer: { $exists: false } }, { $set: lease })
    : null;
  if (!taken) throw conflict("IDEMPOTENCY_IN_PROGRESS", "The first request with this Idempotency-Key still runs.");
  return taken;
}

function replay(ctx: ShopContext, answer: Answer): unknown {
  if ("error" in answer) {
    const { code, type, message, data } = answer.error;
    throw new ShopError(code, type, message, { ...data, replayOf: answer.requestId });
  }
  ctx.meta.$statusCode = answer.status;
  if (answer.location) ctx.meta.$location = answer.location;
  ctx.meta.$responseHeaders = { ...ctx.meta.$responseHeaders, "Idempotent-Replayed": "true" };
  return answer.body;
}

/** A refusal is an answer like any other; a failure of ours is not, the next try shall go on. */
function toAnswer(error: unknown, requestId: string): Answer | undefined {
  if (!(error instanceof ShopError) || error.code >= 500) return undefined;
  const { code, type, message, data } = error;
  return { error: { code, type, message, data }, requestId };
}

function keyOf(ctx: ShopContext, required: boolean): string | undefined {
  const key = ctx.meta.idempotencyKey;
  // Only the action that was asked for honours the key, not those that it calls in turn.
  ctx.meta.idempotencyKey = undefined;
  if (key === undefined && required)
    throw new ShopError(400, "IDEMPOTENCY_KEY_REQUIRED", "Send an Idempotency-Key with this request.");
  if (key !== undefined && (key.length < 1 || key.length > 255))
    throw new ShopError(400, "IDEMPOTENCY_KEY_INVALID", "An Idempotency-Key has 1 to 255 characters.");
  return key;
}

/**
 * Runs an action once for each `Idempotency-Key` of a caller: what it answered is kept and replayed, a failure of ours
 * (5xx) is not kept and the next try goes on under the same {@link operationId}.
 */
export const idempotencyMiddleware = (leaseMs: number): Middleware =>
  localAction("Idempotency", (next, action) => {
    if (!action.idempotency) return next;
    return async (ctx) => {
      const key = keyOf(ctx, action.idempotency === "required");
      const records = recordsOf.get(action.service ?? {});
      if (!records) throw new Error(`${action.name}: its service lacks the idempotency mixin`);
      if (key === undefined) return next(ctx);
      const userId = ctx.meta.user?.id ?? "";
      const id = hash(userId, action.name ?? "", key);
      const fingerprint = hash(canonical(ctx.params));
      const record = await claim(records, { id, userId, fingerprint, leaseMs: Math.min(2 * leaseMs, MAX_LEASE_MS) });
      if (record.answer) return replay(ctx, record.answer);
      ctx.locals.operationId = record.operationId;
      const mine = { _id: id, owner: record.owner };
      try {
        const body = (await next(ctx)) ?? null;
        const status = ctx.meta.$statusCode ?? action.status ?? 200;
        await records.update(mine, { $set: { answer: { status, body, location: ctx.meta.$location } } });
        return body;
      } catch (error) {
        const answer = toAnswer(error, ctx.requestID ?? "");
        await records.update(mine, { $set: answer ? { answer } : { leaseUntil: now() } });
        throw error;
      }
    };
  });
