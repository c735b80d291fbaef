import { randomBytes } from "node:crypto";
import { loadEstimator, weakness } from "../services/auth/passwords/password-strength";

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

/** Milliseconds that this thread worked, whatever else the machine did. */
function costOf(password: string): number {
  const since = process.threadCpuUsage();
  weakness(password, about);
  const { user, system } = process.threadCpuUsage(since);
  return (user + system) / 1000;
}

function print(name: string, make: () => string, rounds: number): void {
  const costs = Array.from({ length: rounds }, () => costOf(make())).toSorted((a, b) => a - b);
  const [median = 0, nearly = 0, worst = 0] = [costs[rounds >> 1], costs[Math.floor(rounds * 0.99)], costs.at(-1)];
  console.log(`| ${name} | ${median.toFixed(1)} ms | ${nearly.toFixed(1)} ms | ${worst.toFixed(1)} ms |`);
}

console.log("| | median | p99 | worst |\n| --- | ---: | ---: | ---: |");
for (const [name, make] of Object.entries(INPUTS)) print(name, make, ROUNDS);

/** Runs of anything, one after the other: weak and costly at the beginning and at the end is a matter of luck. */
const mixture = (): string => {
  const runs = Object.values(INPUTS).map((make) => [...make()]);
  const pick = (below: number) => randomBytes(2).readUInt16BE() % below;
  const parts = Array.from({ length: 12 }, () => {
    const run = runs[pick(runs.length)] ?? [];
    return run
      .slice(pick(run.length))
      .slice(0, 1 + pick(24))
      .join("");
  });
  return filled(parts.join(""));
};
print("mixtures of all of them", mixture, 20 * ROUNDS);
