import { Refusals } from "../../services/api/socket-refusals";

let now = 0;
const at = (ms: number) => {
  now = ms;
};

it("names the refusal that is too many within ten seconds, once", () => {
  const refusals = new Refusals(() => now);
  const last = (count: number) => Array.from({ length: count }, () => refusals.isLast()).indexOf(true);
  at(0);
  expect(last(199)).toBe(-1);
  at(10_000);
  expect(last(199)).toBe(-1);
  at(19_999);
  expect(last(500)).toBe(0);
});

it("has one line a second, with how many it says nothing of", () => {
  const refusals = new Refusals(() => now);
  at(5);
  expect([refusals.line(), refusals.line(), refusals.line()]).toEqual([{}, undefined, undefined]);
  at(1004);
  expect(refusals.line()).toBeUndefined();
  at(1005);
  expect(refusals.line()).toEqual({ untold: 3 });
  at(2005);
  expect(refusals.line()).toEqual({});
});
