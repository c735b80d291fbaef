import { styleText } from "node:util";
import type { Money } from "../lib/money";
import { traceIdOf } from "../lib/trace";

/** Columns that a console has at least. */
export const WIDTH = 100;

/** Nothing from a message may move the cursor or colour the console. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ").toWellFormed();
export const cut = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text;

/** Sentences that are longer than a line, broken between words. */
export const wrapped = (text: string): string =>
  text.replace(new RegExp(`(?=.{${WIDTH + 1}})(.{1,${WIDTH}})(?:[ ]|$)`, "g"), "$1\n");

export type Tone = "good" | "bad" | "doubtful" | "faint";
const STYLES = { good: "green", bad: "red", doubtful: "yellow", faint: "dim" } as const;

/** Coloured where the console is a terminal that shows colours. */
export const toned = (text: string, tone: Tone | undefined): string =>
  tone ? styleText(STYLES[tone], text, { stream: process.stdout }) : text;

export const heading = (text: string): string => styleText("bold", text, { stream: process.stdout });

const UNITS: [name: string, seconds: number][] = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
];

/** `3 h`: the largest unit that fits. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [name, size] = UNITS.find(([, unit]) => whole >= unit) ?? ["s", 1];
  return `${Math.floor(whole / size)} ${name}`;
}

/** `3 min ago`, `in 4 h`; `-` for no time. */
export function ago(time: string | undefined): string {
  const at = time === undefined ? Number.NaN : Date.parse(time);
  if (Number.isNaN(at)) return "-";
  const seconds = (Date.now() - at) / 1000;
  return seconds >= 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
}

/** RFC 3339 in UTC to the second, as a person reads it; `-` for no time. */
export function when(time: string | undefined): string {
  const at = new Date(time ?? Number.NaN);
  return Number.isNaN(at.getTime()) ? "-" : `${at.toISOString().slice(0, 19)}Z`;
}

export const whenAndAgo = (time: string | undefined): string =>
  when(time) === "-" ? "-" : `${when(time)} (${ago(time)})`;

export const grouped = (value: number): string => value.toLocaleString("en");
export const signed = (value: number): string => (value > 0 ? `+${grouped(value)}` : grouped(value));
export const money = ({ amount, currency }: Money): string => `${grouped(amount)} ${currency}`;
export const count = (of: number, one: string, many = `${one}s`): string => `${grouped(of)} ${of === 1 ? one : many}`;
export const traceOf = (traceparent: string | undefined): string => (traceparent ? traceIdOf(traceparent) : "-");
