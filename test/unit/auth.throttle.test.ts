import { counting, LIMIT, RUNNING_MS, standing, WINDOW_MS } from "../../services/auth/throttle";

const START = Date.UTC(2030, 0, 1);
const at = (ms: number) => new Date(START + ms).toISOString();
const everySecond = (count: number) => Array.from({ length: count }, (_, index) => `${at(index * 1000)}/${index}`);
const MINUTE = 60_000;

test.each([
  ["no attempt", { failed: 0, running: 0 }, 0, { failed: 0, mustWait: false, retryAfter: 0 }],
  ["one below the limit", { failed: 9, running: 0 }, MINUTE, { failed: 9, mustWait: false, retryAfter: 0 }],
  ["the limit", { failed: LIMIT, running: 0 }, MINUTE, { failed: 10, mustWait: true, retryAfter: 840 }],
  ["its last moment", { failed: LIMIT, running: 0 }, WINDOW_MS - 1, { failed: 10, mustWait: true, retryAfter: 1 }],
  ["the oldest is gone", { failed: LIMIT, running: 0 }, WINDOW_MS, { failed: 9, mustWait: false, retryAfter: 0 }],
  ["all are gone", { failed: LIMIT, running: 0 }, 2 * WINDOW_MS, { failed: 0, mustWait: false, retryAfter: 0 }],
  [
    "as many run as may fail",
    { failed: 0, running: LIMIT },
    RUNNING_MS - 1,
    { failed: 0, mustWait: true, retryAfter: 0 },
  ],
  ["one less runs", { failed: 0, running: LIMIT - 1 }, RUNNING_MS - 1, { failed: 0, mustWait: false, retryAfter: 0 }],
  [
    "a dead node's run as failures",
    { failed: 0, running: LIMIT },
    MINUTE,
    { failed: 10, mustWait: true, retryAfter: 840 },
  ],
  ["and for no longer", { failed: 0, running: LIMIT }, 2 * WINDOW_MS, { failed: 0, mustWait: false, retryAfter: 0 }],
])("%s", (_, { failed, running }, ms, expected) => {
  const stood = standing({ failed: everySecond(failed), running: everySecond(running) }, at(ms));
  expect({ ...stood, failed: stood.failed.length }).toMatchObject(expected);
});

test.each([
  ["nothing was taken", 0, 0, { left: 0, retryAfter: 0 }],
  ["one is left", 4, MINUTE, { left: 4, retryAfter: 0 }],
  ["all are taken", 5, MINUTE, { left: 5, retryAfter: 3540 }],
  ["its last moment", 5, 60 * MINUTE - 1, { left: 5, retryAfter: 1 }],
  ["the first one is free again", 5, 60 * MINUTE, { left: 4, retryAfter: 0 }],
])("of five an hour %s", (_, taken, ms, { left, retryAfter }) => {
  const counted = counting(everySecond(taken), { times: 5, ms: 60 * MINUTE }, at(ms));
  expect({ left: counted.counted.length, retryAfter: counted.retryAfter }).toEqual({ left, retryAfter });
});
