import type { ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { ServiceBroker } from "moleculer";
import type { Call } from "../../lib/actions";
import { Heads } from "../../services/api/heads";
import { EventStream } from "../../services/api/stream";
import { missed } from "../../services/api/stream-missed";

it("leaves no timer behind for a client that was gone before it began", async () => {
  const call = (async () => ({ heads: {}, items: [], nextCursor: null })) as unknown as Call;
  const { logger } = new ServiceBroker({ logger: false });
  const parts = { heads: new Heads(call, () => [], [], logger), missed: missed(call), logger };
  const verified = { caller: { id: "u", roles: [], sid: "s" }, issuedAt: 0, expiresAt: 0 };
  jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] });
  const stream = new EventStream(parts, verified, {} as ServerResponse);
  const begun = stream.begin(undefined);
  stream.out.destroy();
  await begun;
  await setImmediate();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});
