import { randomBytes } from "node:crypto";
import { loadEstimator, weakness } from "../services/auth/password-strength";

/** What it costs the event loop to judge a password, for the worst that somebody could send. */
const LENGTH = 128;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 20);
const about = { email: "a.customer.with.a.long.name@mail.example.org", name: "A Customer With Quite A Long Name" };

const filled = (text: string, length = LENGTH) =>
  [...text.repeat(Math.ceil(length / [...text].length))].slice(0, length).join("");
const random = (alphabet: string, length = LENGTH) => {
  const characters = [...alphabet];
  return [...randomBytes(length)].map((byte) => characters[byte % characters.length]).join("");
};
const syllables = Array.from({ length: 11_172 }, (_, n) => String.fromCodePoint(0xac00 + n)).join("");
const emoji = Array.from({ length: 80 }, (_, n) => String.fromCodePoint(0x1f600 + n)).join("");
const primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97];

const INPUTS: Record<string, () => string> = {
  "an ordinary one (16)": () => "correct-horse-42",
  "random, 12": () => random("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 12),
  "random, 32": () => randomBytes(24).toString("base64"),
  "random, 128": () => randomBytes(96).toString("base64"),
  "random digits": () => random("0123456789"),
  "random signs that are read as letters": () => random("4@8({[<36|9&#1!7^0()$5+%2/"),
  "l33t words": () => filled("p4$$w0rd1!l0v3y0u@dm1n1$tr4t0r"),
  "l33t without end": () => filled("1!7|", 31) + random("1!7|$5", 97),
  dates: () =>
    primes
      .map((n) => `${n % 28}/${n % 12}/19${n}`)
      .join("")
      .slice(0, LENGTH),
  "digits that may be dates": () =>
    primes
      .map((n) => 19_000_000 + n * 10_101)
      .join("")
      .slice(0, LENGTH),
  sequences: () =>
    primes
      .map((n) => "abcdefghijklmnopqrstuvwxyz".slice(n % 20, (n % 20) + 6))
      .join("")
      .slice(0, LENGTH),
  "a walk on the keyboard": () => filled("qwertyuiop[]\\';lkjhgfdsazxcvbnm,./7654321890"),
  "repeats in repeats": () =>
    primes
      .map((n) => filled("abcab", n % 9))
      .join("x")
      .slice(0, LENGTH),
  pairs: () =>
    primes
      .map((n) => String.fromCharCode(97 + (n % 26)).repeat(2))
      .join("")
      .slice(0, LENGTH),
  words: () => filled("theandofinisitforwasthatonasbyheatfromhisanaretheywhich"),
  "own words": () => filled("acustomerwithalongnamemailexampleorg"),
  Hangul: () => random(syllables),
  "Korean words on a Latin layout": () => filled("qlalfqjsghtkfkdgodkssudgktpdyrkskekfk"),
  "a weak beginning that costs, then dates": () =>
    filled("1/1/2001 ", 32) + filled("19991231", 32) + random("0123456789/", 64),
  "a weak beginning that costs, then random": () => filled("0987654321", 32) + randomBytes(72).toString("base64"),
  emoji: () => random(emoji),
  "combining marks": () => filled("q\u0316\u0317\u0323\u0331"),
  "one that grows to 18,432": () => "\ufdfa".repeat(1024).slice(0, 1024),
};

const before = process.memoryUsage().rss;
const began = performance.now();
loadEstimator();
const loaded = performance.now() - began;
console.log(`loaded in ${loaded.toFixed(0)} ms, ${((process.memoryUsage().rss - before) / 2 ** 20).toFixed(0)} MiB\n`);
for (const make of Object.values(INPUTS)) for (let i = 0; i < 3; i++) weakness(make(), about);

console.log("| | median | worst |\n| --- | ---: | ---: |");
for (const [name, make] of Object.entries(INPUTS)) {
  const times = Array.from({ length: ROUNDS }, () => {
    const password = make();
    const since = performance.now();
    weakness(password, about);
    return performance.now() - since;
  }).toSorted((a, b) => a - b);
  const [median = 0, worst = 0] = [times[ROUNDS >> 1], times.at(-1)];
  console.log(`| ${name} | ${median.toFixed(1)} ms | ${worst.toFixed(1)} ms |`);
}
