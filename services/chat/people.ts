import { LRUCache } from "lru-cache";
import type { Call } from "../../lib/actions";
import { within } from "../../lib/time";
import { forAgentsOnly, isAgent } from "./access";
import type { Person } from "./chat.schema";

/** Milliseconds; a new name is seen as late as that. */
const KEEP_MS = 60_000;

/** Somebody who helps by what `user` knows of them now: a token may be older. 403 FORBIDDEN, 404 USER_NOT_FOUND. */
export async function helperOf(call: Call, id: string): Promise<Person> {
  const { name, status, roles } = await call("user.find", { id });
  if (status === "locked" || !isAgent({ roles })) throw forAgentsOnly();
  return { id, name };
}

/** Names by user id, asked of `user` and kept for a minute. */
export function peopleOf() {
  const names = new LRUCache<string, string>({ max: 10_000, ttl: KEEP_MS });

  /** 404 USER_NOT_FOUND. */
  return async (call: Call, id: string): Promise<Person> => {
    const known = names.get(id);
    if (known !== undefined) return { id, name: known };
    const { name } = await call("user.find", { id });
    names.set(id, name);
    return { id, name };
  };
}

/** Milliseconds that somebody is held up for their name. */
const NAME_WITHIN_MS = 1000;

/** A person whose name is another one by now; undefined also where `user` does not say so in time. */
export async function renamed(people: People, call: Call, { id, name }: Person): Promise<Person | undefined> {
  const now = await within(NAME_WITHIN_MS, () => people(call, id)).catch(() => undefined);
  return now?.name === name ? undefined : now;
}

export type People = ReturnType<typeof peopleOf>;
