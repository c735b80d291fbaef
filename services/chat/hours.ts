import { OneOf, type Static, Strict, Type } from "../../lib/schema";

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
type Day = (typeof DAYS)[number];
const TIME = "([01]\\d|2[0-3]):[0-5]\\d";

/** When somebody is there to help. */
export const HoursSchema = Type.Union([
  Type.Literal("off", { description: "at any time" }),
  Strict({
    zone: Type.String({ format: "time-zone", description: "IANA name: Asia/Seoul" }),
    days: Type.Array(OneOf(...DAYS), { minItems: 1, maxItems: DAYS.length, uniqueItems: true }),
    from: Type.String({ pattern: `^${TIME}$` }),
    to: Type.String({
      pattern: `^(${TIME}|24:00)$`,
      description: "not after `from`: of the next day",
    }),
  }),
]);
export type Hours = Static<typeof HoursSchema>;
type Opening = Exclude<Hours, "off">;

/** Day and time of a moment in a zone; times of a day as `HH:MM` sort as they come. */
function localTime(zone: string, at: Date): { day: number; time: string } {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(at);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
  return { day: DAYS.indexOf(part("weekday").toLowerCase() as Day), time: `${part("hour")}:${part("minute")}` };
}

const isOn = ({ days }: Opening, day: number) => days.includes(DAYS[(day + DAYS.length) % DAYS.length] ?? "sun");

export function isOpenAt(hours: Hours, at: Date): boolean {
  if (hours === "off") return true;
  const { day, time } = localTime(hours.zone, at);
  const { from, to } = hours;
  if (to > from) return isOn(hours, day) && time >= from && time < to;
  return (isOn(hours, day) && time >= from) || (isOn(hours, day - 1) && time < to);
}

/** The weekday (0 is Sunday) on which it opens next. */
function nextDay(hours: Opening, at: Date): number {
  const { day, time } = localTime(hours.zone, at);
  const later = isOn(hours, day) && time < hours.from ? 0 : 1;
  const ahead = [0, 1, 2, 3, 4, 5, 6, 7].find((days) => days >= later && isOn(hours, day + days)) ?? 0;
  return (day + ahead) % DAYS.length;
}

/** 1 January 2023 was a Sunday. */
const nameOf = (locale: string, day: number): string =>
  new Intl.DateTimeFormat(locale, { weekday: "long", timeZone: "UTC" }).format(Date.UTC(2023, 0, 1 + day));

/** What is said to somebody who comes outside of the hours; undefined within them. */
export function closedText(hours: Hours, at: Date): string | undefined {
  if (hours === "off" || isOpenAt(hours, at)) return undefined;
  const day = nextDay(hours, at);
  const time = `${hours.from} (${hours.zone})`;
  return `지금은 상담 시간이 아닙니다. ${nameOf("ko", day)} ${time}부터 상담해 드립니다. Nobody is here right now; we answer from ${nameOf("en", day)}, ${time}.`;
}
