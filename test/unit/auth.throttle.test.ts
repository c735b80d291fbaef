import { clientGroup, counted, LIMIT, WINDOW_MS } from "../../services/auth/throttle";

const START = Date.UTC(2030, 0, 1);
const at = (ms: number) => new Date(START + ms).toISOString();
const failures = (...times: number[]) => times.map((ms, index) => `${at(ms)}/${index}`);
const everySecond = (count: number) => failures(...Array.from({ length: count }, (_, index) => index * 1000));

test.each([
  ["no failure", [], 0, 0, 0],
  ["one below the limit", everySecond(LIMIT - 1), 60_000, LIMIT - 1, 0],
  ["the limit, until the oldest is a window old", everySecond(LIMIT), 60_000, LIMIT, WINDOW_MS / 1000 - 60],
  ["the last second", everySecond(LIMIT), WINDOW_MS - 1, LIMIT, 1],
  ["the oldest is gone", everySecond(LIMIT), WINDOW_MS, LIMIT - 1, 0],
  ["all are gone", everySecond(LIMIT), 2 * WINDOW_MS, 0, 0],
])("%s", (_, attempts, ms, recent, retryAfter) => {
  expect(counted(attempts, at(ms))).toEqual({ recent: attempts.slice(attempts.length - recent), retryAfter });
});

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8::1", "2001:db8:0:0"],
  ["::1", "0:0:0:0"],
  ["", ""],
])("%s belongs to %s", (address, group) => {
  expect(clientGroup(address)).toBe(group);
});
