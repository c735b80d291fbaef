import type { Message } from "../topics";

/** Of one send: the client makes one batch of what a partition gets by it, and Kafka by default refuses one of 1 MiB. */
const CHUNK_BYTES = 512 * 1024;
/** What Kafka adds to a message at most, as long as its headers are few. */
const FRAME_BYTES = 64;

/** Bytes of a message with its headers. */
export function sizeOf({ key, value, headers, bytes }: Message): number {
  const texts = [...Object.entries(headers).flat(), ...(bytes ? [] : [key, value])];
  const raw = (bytes?.key?.length ?? 0) + (bytes?.value?.length ?? 0);
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), FRAME_BYTES + raw);
}

/** In order, as many at once as may be sent together; what is larger than that is alone. */
export function* chunksOf(messages: readonly Message[]): Generator<Message[]> {
  let chunk: Message[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = sizeOf(message);
    if (chunk.length > 0 && bytes + size > CHUNK_BYTES) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(message);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}
