import type { ZxcvbnFactory, ZxcvbnResult } from "@zxcvbn-ts/core";
import { koreanDictionaries } from "./korean-passwords";
import { normalisePassword } from "./passwords";

/** Code points that are looked at together. With the next it bounds what a password costs: `bench/passwords.ts`. */
const WINDOW = 32;
/** Readings of `1` as i or l and the like that are tried; more than these found nothing more, and each takes as long again. */
const READINGS = 4;
/** Scores go from 0 to 4; from 3 on it withstands who has the hash for a while (some 10^8 guesses). */
const ENOUGH = 3;
/** A password that is one of so many first guesses is not made better by a little decoration. */
const COMMON = 100_000;
const DECORATION = 8;
const LONGEST_COMMON = 20;
/** Of a name or an address are looked at. */
const MOST_PARTS = 4;
const NO_WORD = /[^\p{L}\p{N}]+/u;
/** Shorter ones in a long password weigh little. */
const LONG_WORD = 8;
/** What this is: the first guesses of somebody who knows where the password is for. */
const SHOP = ["shop", "myshop", "shopping", "shoppingmall", "mall", "store", "moleculer"];

let estimator: ZxcvbnFactory | undefined;

/** Some 200 ms and 40 MB, therefore at first use, and once in a process. */
export function loadEstimator(): ZxcvbnFactory {
  if (estimator) return estimator;
  const { ZxcvbnFactory } = require("@zxcvbn-ts/core") as typeof import("@zxcvbn-ts/core");
  const common = require("@zxcvbn-ts/language-common") as typeof import("@zxcvbn-ts/language-common");
  const english = require("@zxcvbn-ts/language-en") as typeof import("@zxcvbn-ts/language-en");
  estimator = new ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary, ...koreanDictionaries },
    graphs: common.adjacencyGraphs,
    translations: english.translations,
    l33tMaxSubstitutions: READINGS,
  });
  return estimator;
}

export interface Person {
  email: string;
  name?: string;
}

/** What somebody who knows the person and the shop tries first. */
function ownWords({ email, name = "" }: Person): string[] {
  const address = email.toLowerCase().trim();
  const called = normalisePassword(name).toLowerCase().trim();
  const [local = ""] = address.split("@");
  const parts = (text: string) => text.split(NO_WORD).slice(0, MOST_PARTS);
  // Three parts are enough for the estimator, so two of a name have to count as one.
  const names = [...new Set([...parts(called), ...parts(local)])];
  const pairs = names.flatMap((one) => names.map((other) => one + other));
  const words = [address, local, called, parts(called).join(""), ...parts(address), ...names, ...pairs, ...SHOP];
  return [...new Set(words.filter((word) => word.length > 1))];
}

/** The least number of characters after which they come again; that of all of them where they never do. */
export function period(characters: string[]): number {
  const length = [0];
  for (let i = 1, same = 0; i < characters.length; i++) {
    while (same > 0 && characters[i] !== characters[same]) same = length[same - 1] ?? 0;
    if (characters[i] === characters[same]) same++;
    length[i] = same;
  }
  return characters.length - (length.at(-1) ?? 0);
}

/**
 * Pure: what is judged of a password: all of a short one, the beginning and the end of a long one. Nobody guesses the
 * whole without either, so one that is strong is enough. So that no cut makes something strong of a weak part, what
 * repeats itself is judged without most repetitions, and an own word, which may be longer than a window, as one
 * character; what else is common is shorter than a third of a window or goes on past the cut as it began.
 */
export function windows(password: string, own: string[]): string[] {
  let characters = [...password];
  if (characters.length <= WINDOW) return [password];
  const longest = own.filter((word) => word.length > LONG_WORD).toSorted((a, b) => b.length - a.length);
  const rest = longest.reduce((text, word) => text.replaceAll(word, word.slice(0, 1)), password.toLowerCase());
  characters = [...(rest === password.toLowerCase() ? password : rest)];
  const again = period(characters);
  if (2 * again <= characters.length) characters = characters.slice(0, again > WINDOW / 2 ? again : 2 * again);
  if (characters.length <= WINDOW) return [characters.join("")];
  return [characters.slice(0, WINDOW).join(""), characters.slice(-WINDOW).join("")];
}

/** What is left without the few digits and signs before and after; undefined where those are none or many, or it is long. */
function undecorated(password: string): string | undefined {
  const [bare = ""] = /\p{L}(?:.*\p{L})?/su.exec(password) ?? [];
  const taken = password.length - bare.length;
  return taken > 0 && taken <= DECORATION && bare.length <= LONGEST_COMMON ? bare : undefined;
}

/**
 * Why a password is too easy to guess for this person, in English; undefined where it is not. The estimator counts
 * three parts as many guesses whatever they are; `iloveyou` with signs around it is among the first of anybody's.
 */
export function weakness(password: string, about: Person): string | undefined {
  const plain = normalisePassword(password);
  const own = ownWords(about);
  const judge = (part: string) => loadEstimator().check(part, own);
  let first: ZxcvbnResult | undefined;
  for (const part of windows(plain, own)) {
    const result = judge(part);
    first ??= result;
    if (result.score < ENOUGH) continue;
    const bare = part === plain ? undecorated(plain) : undefined;
    const core = bare === undefined ? undefined : judge(bare);
    return core && core.guesses < COMMON ? told(core) : undefined;
  }
  return first && told(first);
}

const told = ({ feedback: { warning, suggestions } }: ZxcvbnResult): string =>
  [warning ?? "This is easy to guess.", ...suggestions].join(" ");
