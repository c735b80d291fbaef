import { connect, createServer } from "node:net";

/** Waits for a condition by asking again every `every` ms; a condition may throw to give up at once. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  { ms = 30_000, every = 50 }: { ms?: number; every?: number } = {},
): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`Waited ${ms / 1000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}

/** Whether something takes connections there within `ms`. */
export function answers(port: number, { host = "127.0.0.1", ms = 1000 } = {}): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const end = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.setTimeout(ms, () => end(false));
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}

/** Ports that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const held = await Promise.all(Array.from({ length: count }, () => holdPort()));
  for (const { release } of held) await release();
  return held.map(({ port }) => port);
}

/** The first of so many ports in a row that were all free a moment ago. */
export async function freeRange(count: number): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    // Below what systems give to connections by themselves, so that few others are there.
    const first = 20_000 + Math.floor(Math.random() * (10_000 - count));
    const held = await Promise.allSettled(Array.from({ length: count }, (_, i) => holdPort(first + i)));
    for (const one of held) if (one.status === "fulfilled") await one.value.release();
    if (held.every((one) => one.status === "fulfilled")) return first;
  }
  throw new Error(`No ${count} free ports in a row`);
}

function holdPort(port = 0): Promise<{ port: number; release: () => Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") return reject(new Error("No port"));
      resolve({ port: address.port, release: () => new Promise((done) => server.close(() => done())) });
    });
  });
}
