import { after } from "../lib/time";
import { Refusal } from "./failure";

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** RFC 3339 of `30m`, `24h`, `7d` ago, or of a time as it is. */
export function sinceOf(text: string): string {
  const [, number = "", unit = ""] = /^(\d{1,4})([mhd])$/.exec(text) ?? [];
  if (number) return after(-Number(number) * (UNITS[unit] ?? 0));
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) throw new Refusal(`--since is a span (30m, 24h, 7d) or a time, not "${text}".`);
  return at.toISOString();
}
