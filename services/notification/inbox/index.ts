import type { ShopNode } from "../../../lib/node";
import type { Inbox } from "./inbox";
import { RedisInbox } from "./redis";
import { StoredInbox } from "./stored";

/** Where the environment keeps inboxes. */
export const inboxFor = ({ environment: { redisUrl, namespace }, store }: ShopNode): Inbox =>
  redisUrl ? new RedisInbox(redisUrl, namespace) : new StoredInbox(store);
