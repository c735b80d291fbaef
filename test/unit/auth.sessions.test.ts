import { forgettable, GRACE_MS, MAX_LIVE } from "../../services/auth/sessions/sessions";

const at = (ms: number) => new Date(Date.UTC(2030, 0, 1) + ms).toISOString();

test("a used token is remembered for its grace", () => {
  const session = { live: { fresh: at(0) }, used: { old: at(0), young: at(2) } };
  expect(forgettable(session, at(GRACE_MS))).toEqual({});
  expect(forgettable(session, at(GRACE_MS + 1))).toEqual({ "used.old": true });
});

test("tokens that are never used are kept up to a bound, and the oldest leave first", () => {
  const live = Object.fromEntries(Array.from({ length: MAX_LIVE }, (_, index) => [`t${index}`, at(MAX_LIVE - index)]));
  expect(forgettable({ live, used: {} }, at(1000))).toEqual({ [`live.t${MAX_LIVE - 1}`]: true });
  const { [`t${MAX_LIVE - 1}`]: _, ...fewer } = live;
  expect(forgettable({ live: fewer, used: {} }, at(1000))).toEqual({});
});
