import type { Environment } from "../../../lib/environment";
import { MemoryPresence } from "./memory";
import type { Presence } from "./presence";
import { RedisPresence } from "./redis";

/** Where the environment keeps presence. `returned` is called when that is there, at first and again. */
export function presenceFor({ redisUrl, namespace, chat }: Environment, returned: () => void): Presence {
  return redisUrl
    ? new RedisPresence(redisUrl, namespace, chat.connectionMs, returned)
    : new MemoryPresence(chat.connectionMs);
}
