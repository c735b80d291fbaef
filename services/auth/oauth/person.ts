import { fullFormats } from "ajv-formats/dist/formats";
import { normaliseEmail } from "../credentials";
import type { Profile } from "./provider";

const MAX_NAME = 100;
const MAX_EMAIL = 254;
const NAMELESS = "Customer";
/** What `ShownText` does not take. */
const HIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]+/gu;
const EMAIL = fullFormats.email;

/** A name that a provider gives, as one that this shop takes. */
export function fitName(name = ""): string {
  const shown = name.toWellFormed().replaceAll(HIDDEN, " ").trim();
  return [...shown].slice(0, MAX_NAME).join("").trim() || NAMELESS;
}

/** The address of a profile where it may be believed, and can be used. */
export function provenEmail({ email, emailVerified }: Profile): string | undefined {
  if (!emailVerified || email === undefined) return undefined;
  const address = normaliseEmail(email);
  return EMAIL instanceof RegExp && EMAIL.test(address) && address.length <= MAX_EMAIL ? address : undefined;
}
