import { ajv } from "../../../lib/events";
import { HIDDEN_CHARACTERS } from "../../../lib/schema";
import { Email, NAME_LENGTH } from "../auth.schema";
import { normaliseEmail } from "../credentials";
import type { Profile } from "./providers/provider";

const NAMELESS = "Customer";
const isAddress = ajv.compile(Email);

/** A name that a provider gives, as one that this shop takes. */
export function fitName(name = ""): string {
  const shown = name.toWellFormed().replaceAll(HIDDEN_CHARACTERS, " ").trim();
  return [...shown].slice(0, NAME_LENGTH).join("").trim() || NAMELESS;
}

/**
 * The address of a profile where it may be believed, and can be used. It is looked at as the provider has verified it: in
 * lower case a Kelvin sign is a k, and the address somebody else's.
 */
export function provenEmail({ email, emailVerified }: Profile): string | undefined {
  if (!emailVerified || email === undefined) return undefined;
  const verified = email.trim();
  return isAddress(verified) ? normaliseEmail(verified) : undefined;
}
