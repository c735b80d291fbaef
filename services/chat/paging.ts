import type { Message } from "./message";

/** Bytes of messages in one answer: it goes over NATS, which takes a megabyte, with all that is beside them. */
export const PAGE_BYTES = 384 * 1024;
/** Of a message, all but its text. */
const FRAME_BYTES = 500;

/** Bytes of a message in an answer, where a control character is six. */
export const bytesOf = ({ text }: Pick<Message, "text">): number =>
  Buffer.byteLength(JSON.stringify(text)) + FRAME_BYTES;

export const bytesOfAll = (messages: Pick<Message, "text">[]): number =>
  messages.reduce((sum, message) => sum + bytesOf(message), 0);

/** As many from the first on as have room, and the first in any case. */
export function fitting<M extends Pick<Message, "text">>(messages: M[], bytes: number): M[] {
  let room = bytes;
  const end = messages.findIndex((message) => {
    room -= bytesOf(message);
    return room < 0;
  });
  return end < 0 ? messages : messages.slice(0, Math.max(end, 1));
}
