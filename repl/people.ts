import type { ServiceBroker } from "moleculer";
import { callOf } from "../lib/actions";
import { hasType } from "../lib/errors";

/** The user with that email or id; undefined where there is none. */
export async function userNamed(broker: ServiceBroker, named: string) {
  const call = callOf(broker);
  if (named.includes("@")) return (await call("user.list", { email: named, limit: 1 })).items[0];
  return call("user.find", { id: named }).catch((error: unknown) => {
    if (hasType(error, "USER_NOT_FOUND")) return undefined;
    throw error;
  });
}
