import { invalid, unprocessable } from "../../lib/errors";
import { normalisePassword } from "./passwords";

const MIN = 10;
const MAX = 128;

/** The ones of ten characters and more that lead every list of leaked passwords. */
const COMMON = new Set(
  `1234567890 12345678910 123456789a 0123456789 0987654321 1q2w3e4r5t 1qaz2wsx3edc qwertyuiop qwerty12345 qwerty123456
  password12 password123 password1234 password12345 passw0rd123 iloveyou123 abcdefghij abcd123456 abc1234567 asdfghjkl1
  asdfghjkl; zxcvbnm123 letmein123 welcome123 admin12345 administrator qazwsxedcr football123 baseball123 superman123
  princess123 sunshine123 changeme123 1111111111 1212121212 1234512345 9876543210 q1w2e3r4t5 google1234 myspace123`.split(
    /\s+/,
  ),
);

/** Why a password is too easy to guess for this person; undefined where it is not. */
export function weakness(password: string, about: { email: string; name?: string }): string | undefined {
  const plain = normalisePassword(password).toLowerCase();
  const [local = ""] = about.email.toLowerCase().split("@");
  const own = [about.email.toLowerCase(), local, normalisePassword(about.name ?? "").toLowerCase()];
  if (own.some((word) => word.length > 0 && (plain === word || plain === word.replaceAll(/\s+/g, ""))))
    return "is your email address or your name";
  if (new Set(plain).size < 3) return "repeats one or two characters";
  if (COMMON.has(plain)) return "is one of the most common passwords";
  return undefined;
}

/** Throws 422: VALIDATION for a wrong length, WEAK_PASSWORD with the reason in `errors`; `path` is the field's name. */
export function requireStrong(password: string, path: string, about: { email: string; name?: string }): void {
  const { length } = [...normalisePassword(password)];
  if (length < MIN || length > MAX) throw invalid([{ path, message: `must have ${MIN} to ${MAX} characters` }]);
  const reason = weakness(password, about);
  if (reason) throw unprocessable("WEAK_PASSWORD", "This password is too easy to guess.", [{ path, message: reason }]);
}
