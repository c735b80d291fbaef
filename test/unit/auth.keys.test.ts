import { keysToForget, keyToMake, signingKey } from "../../services/auth/tokens/keys";

const HOUR = 3_600_000;
const rules = { rotationMs: 24 * HOUR, aheadMs: HOUR, keptMs: HOUR / 4 };
const at = (hours: number) => new Date(Date.UTC(2030, 0, 1) + hours * HOUR).toISOString();
const key = (number: number, hours: number) => ({ number, signsFrom: at(hours) });

test.each([
  ["the first key signs at once", [], 0, key(1, 0)],
  ["nothing is due while a key is young", [key(1, 0)], 22, undefined],
  ["the next one is made an hour before it signs", [key(1, 0)], 23, key(2, 24)],
  ["one that waits for its time is enough", [key(1, 0), key(2, 24)], 23.5, undefined],
  ["after a long stop the next one is still published for an hour first", [key(1, 0)], 500, key(2, 501)],
  ["numbers go on where older keys are gone", [key(7, 0)], 23, key(8, 24)],
])("%s", (_, keys, hours, made) => {
  expect(keyToMake(keys, keys, at(hours), rules)).toEqual(made);
});

test("a node that can use none of the keys makes one for now, under the next number", () => {
  expect(keyToMake([key(1, 0), key(2, 24)], [], at(3), rules)).toEqual(key(3, 3));
});

test.each([
  [0, 1],
  [23.9, 1],
  [24, 2],
  [100, 2],
])("at hour %d key %d signs", (hours, number) => {
  expect(signingKey([key(2, 24), key(1, 0)], at(hours))?.number).toBe(number);
});

test("nothing signs before the first key's time", () => {
  expect(signingKey([key(1, 1)], at(0))).toBeUndefined();
});

test.each([
  [24.2, []],
  [24.25, [1]],
  [48.25, [1, 2]],
  [1000, [1, 2]],
])("at hour %d keys %j may be forgotten", (hours, numbers) => {
  const keys = [key(3, 48), key(1, 0), key(2, 24)];
  expect(keysToForget(keys, at(hours), rules).map(({ number }) => number)).toEqual(numbers);
});
