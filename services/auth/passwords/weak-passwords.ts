import { invalid, unprocessable } from "../../../lib/errors";
import { type Person, weakness } from "./password-strength";
import { normalisePassword } from "./passwords";

const MIN = 10;
const MAX = 128;

/** Throws 422: VALIDATION for a wrong length, WEAK_PASSWORD with the reason in `errors`; `path` is the field's name. */
export function requireStrong(password: string, path: string, about: Person): void {
  const { length } = [...normalisePassword(password)];
  if (length < MIN || length > MAX) throw invalid([{ path, message: `must have ${MIN} to ${MAX} characters` }]);
  const reason = weakness(password, about);
  if (reason) throw unprocessable("WEAK_PASSWORD", "This password is too easy to guess.", [{ path, message: reason }]);
}
