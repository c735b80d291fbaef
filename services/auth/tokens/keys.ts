import { after } from "../../../lib/time";

/** When a signing key takes over from the one before it; the key itself does not matter here. */
export interface KeyTimes {
  /** 1 for the first key there ever was, then dense: two nodes that make a key at once want the same number. */
  number: number;
  /** RFC 3339. It signs from here until the next one does. */
  signsFrom: string;
}

export interface RotationRules {
  rotationMs: number;
  /** How long a key is published before it signs, so that every verifier has fetched it by then. */
  aheadMs: number;
  /** How long a key stays published after it has signed its last token: the tokens' lifetime and some. */
  keptMs: number;
}

const inOrder = <K extends KeyTimes>(keys: K[]): K[] => keys.toSorted((a, b) => a.number - b.number);

/** The key that signs at `at`; undefined while there is none. */
export const signingKey = <K extends KeyTimes>(keys: K[], at: string): K | undefined =>
  inOrder(keys).findLast((key) => key.signsFrom <= at);

/**
 * The key that has to be made at `at`: the first one, which signs at once; or the next one, which is published
 * `aheadMs` before it signs. `own` are the keys that this node can sign with: all of them, unless its secret is new.
 */
export function keyToMake(keys: KeyTimes[], own: KeyTimes[], at: string, rules: RotationRules): KeyTimes | undefined {
  const number = (inOrder(keys).at(-1)?.number ?? 0) + 1;
  const last = inOrder(own).at(-1);
  if (!last) return { number, signsFrom: at };
  const planned = after(rules.rotationMs, last.signsFrom);
  const earliest = after(rules.aheadMs, at);
  if (planned > earliest) return undefined;
  return { number, signsFrom: earliest };
}

/** Keys that no living token was signed with: their successor has signed for longer than a token lives. */
export function keysToForget<K extends KeyTimes>(keys: K[], at: string, { keptMs }: RotationRules): K[] {
  const ordered = inOrder(keys);
  return ordered.filter((_, index) => {
    const next = ordered[index + 1];
    return next !== undefined && after(keptMs, next.signsFrom) <= at;
  });
}
