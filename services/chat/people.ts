import { LRUCache } from "lru-cache";
import type { Call } from "../../lib/actions";
import { ShopError } from "../../lib/errors";
import { within } from "../../lib/time";
import { forAgentsOnly, isAgent } from "./access";
import type { Person } from "./chat.schema";

/** Milliseconds; a new name is seen as late as that. */
const KEEP_MS = 60_000;
/** The same where `user` did not say. */
const ASK_AGAIN_MS = 5000;
/** Milliseconds that somebody is held up for their name. */
const NAME_WITHIN_MS = 1000;

/** Somebody who helps by what `user` knows of them now: a token may be older. 403 FORBIDDEN, 404 USER_NOT_FOUND. */
export async function helperOf(call: Call, id: string): Promise<Person> {
  const { name, status, roles } = await call("user.find", { id });
  if (status === "locked" || !isAgent({ roles })) throw forAgentsOnly();
  return { id, name };
}

/** Names by user id, asked of `user` and kept for a minute; while `user` is away, the last ones that were heard. */
export function peopleOf(keepMs = KEEP_MS) {
  const names = new LRUCache<string, { name: string; until: number }>({ max: 10_000 });

  /** 404 USER_NOT_FOUND. */
  return async (call: Call, id: string): Promise<Person> => {
    const known = names.get(id);
    if (known && performance.now() < known.until) return { id, name: known.name };
    try {
      // Whose name is known is not kept waiting for a newer one.
      const { name } = await call("user.find", { id }, known && { timeout: NAME_WITHIN_MS });
      names.set(id, { name, until: performance.now() + keepMs });
      return { id, name };
    } catch (error) {
      if (!known || (error instanceof ShopError && error.code < 500)) throw error;
      names.set(id, { name: known.name, until: performance.now() + Math.min(keepMs, ASK_AGAIN_MS) });
      return { id, name: known.name };
    }
  };
}

/** A person whose name is another one by now; undefined also where `user` does not say so in time. */
export async function renamed(people: People, call: Call, { id, name }: Person): Promise<Person | undefined> {
  const now = await within(NAME_WITHIN_MS, () => people(call, id)).catch(() => undefined);
  return now?.name === name ? undefined : now;
}

export type People = ReturnType<typeof peopleOf>;
