import { problemOf } from "../../lib/config/checking";
import { closedText, type Hours, HoursSchema, isOpenAt } from "../../services/chat/hours";

const office: Hours = { zone: "Asia/Seoul", days: ["mon", "tue", "wed", "thu", "fri"], from: "09:00", to: "18:00" };
const night: Hours = { zone: "Asia/Seoul", days: ["fri"], from: "22:00", to: "02:00" };
/** In Seoul: UTC+9, all year. 24 November 2026 is a Tuesday. */
const seoul = (time: string) => new Date(`${time}:00+09:00`);

it.each([
  ["2026-11-24T08:59", false],
  ["2026-11-24T09:00", true],
  ["2026-11-24T17:59", true],
  ["2026-11-24T18:00", false],
  ["2026-11-28T12:00", false],
])("office hours at %s: %s", (time, open) => expect(isOpenAt(office, seoul(time))).toBe(open));

it.each([
  ["2026-11-27T21:59", false],
  ["2026-11-27T22:00", true],
  ["2026-11-28T01:59", true],
  ["2026-11-28T02:00", false],
  ["2026-11-28T22:00", false],
])("hours over midnight at %s: %s", (time, open) => expect(isOpenAt(night, seoul(time))).toBe(open));

it("is always open without hours, and all day from one midnight to the other", () => {
  expect(isOpenAt("off", new Date())).toBe(true);
  const always: Hours = { ...office, days: ["tue"], from: "00:00", to: "24:00" };
  for (const time of ["00:00", "23:59"]) expect(isOpenAt(always, seoul(`2026-11-24T${time}`))).toBe(true);
});

it.each([
  [office, "2026-11-24T08:00", "Tuesday, 09:00 (Asia/Seoul)"],
  [office, "2026-11-24T20:00", "Wednesday, 09:00 (Asia/Seoul)"],
  [office, "2026-11-27T18:00", "Monday, 09:00 (Asia/Seoul)"],
  [night, "2026-11-28T03:00", "Friday, 22:00 (Asia/Seoul)"],
])("says when it opens next", (hours, time, next) => {
  const text = closedText(hours, seoul(time));
  expect(text).toContain(next);
});

it("says nothing while it is open", () => {
  expect(closedText(office, seoul("2026-11-24T12:00"))).toBeUndefined();
  expect(closedText("off", new Date())).toBeUndefined();
});

it("takes no zone, day or time that is none", () => {
  expect([office, night, "off"].map((hours) => problemOf(HoursSchema, hours))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  const wrong = [{ zone: "Asia/Soul" }, { days: ["lundi"] }, { days: [] }, { from: "9:00" }, { to: "24:01" }, { x: 1 }];
  for (const part of wrong) expect(problemOf(HoursSchema, { ...(office as object), ...part })).toBeDefined();
});
