import type { Received } from "./topics";

/** Messages of one reader that are handled at once. */
const AT_ONCE = 64;

/**
 * Handles a batch of one partition, each key's messages one after the other and the keys beside each other, so that a
 * slow one holds up its own key only. `done` is told the offset up to which, without a gap, all is handled; it grows.
 * What is rejected ends its lane; resolves when every lane has ended, with the first rejection if there was one.
 */
export async function runLanes(
  batch: readonly Received[],
  handle: (message: Received) => Promise<void>,
  done: (offset: number) => void,
): Promise<unknown> {
  const lanes = new Map<string, Received[]>();
  for (const message of batch) {
    const lane = lanes.get(message.key);
    if (lane) lane.push(message);
    else lanes.set(message.key, [message]);
  }
  const finished = new Set<number>();
  let next = 0;
  let failure: unknown;
  const finish = ({ offset }: Received) => {
    finished.add(offset);
    const before = next;
    for (let message = batch[next]; message && finished.has(message.offset); message = batch[next]) next += 1;
    const last = batch[next - 1];
    if (next > before && last) done(last.offset);
  };
  const waiting = [...lanes.values()];
  const worker = async () => {
    for (let lane = waiting.shift(); lane; lane = waiting.shift()) {
      try {
        for (const message of lane) {
          await handle(message);
          finish(message);
        }
      } catch (error) {
        failure ??= error ?? new Error("a message was rejected");
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, lanes.size) }, worker));
  return failure;
}
