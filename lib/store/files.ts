import { constants, writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** Addresses, password hashes and keys are in these files: nobody but the shop's own user reads them. */
export const MODES = { fileMode: 0o600, dirMode: 0o700 };

export const NEWLINE = 10;
const CHUNK = 64 * 1024;

export const hasCode = (error: unknown, code: string): boolean =>
  typeof error === "object" && error !== null && "code" in error && error.code === code;

/** Where the last line that ends at or before byte `before` ends; 0 where none does. */
export async function endOfLastLine(file: FileHandle, before: number): Promise<number> {
  const buffer = Buffer.alloc(CHUNK);
  for (let end = before; end > 0; ) {
    const start = Math.max(0, end - CHUNK);
    const { bytesRead } = await file.read(buffer, 0, end - start, start);
    const newline = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}

/** Cuts off a last line without its end: an append that never finished, so nobody was told that it is stored. */
export async function dropTornLine(filename: string): Promise<void> {
  const file = await open(filename, constants.O_RDWR | constants.O_CREAT, MODES.fileMode);
  try {
    await file.truncate(await endOfLastLine(file, (await file.stat()).size));
  } finally {
    await file.close();
  }
}

/** Into the page cache, so that it survives the death of the process; one write(2) unless the kernel takes less. */
export function writeAll(file: number, bytes: Buffer): void {
  for (let rest = bytes; rest.length > 0; ) rest = rest.subarray(writeSync(file, rest));
}
