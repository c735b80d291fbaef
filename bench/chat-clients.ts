import { setTimeout as delay } from "node:timers/promises";
import { io, type Socket } from "socket.io-client";
import type { Figures } from "./load";

/** What the clients' process is told. */
export type Order =
  | { kind: "connect"; to: string; origin: string; clients: { auth: object; conversationId?: string }[] }
  /** Without a rate each sends again as soon as it has its answer. */
  | { kind: "run"; to: string; seconds: number; rate?: number };

export interface Ran {
  acks: Figures;
  delivery: Figures;
  /** Sent and not heard of on the other side within seconds. */
  undelivered: number;
}

const BYTES = 200;
const CONNECTED_AT_ONCE = 50;
const LAST_WAIT_MS = 5000;

interface Group {
  sockets: Socket[];
  senders: { socket: Socket; conversationId: string }[];
  /** Hears what those on the other side get. */
  heard: (text: string) => void;
}

const groups = new Map<string, Group>();
let sent = 0;

async function connect({ to, origin, clients }: Extract<Order, { kind: "connect" }>): Promise<void> {
  const group: Group = { sockets: [], senders: [], heard: () => undefined };
  groups.set(to, group);
  const waiting = clients.values();
  const worker = async () => {
    for (const { auth, conversationId } of waiting) {
      const socket = io(origin, { auth, transports: ["websocket"], forceNew: true, reconnection: false });
      await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("connect_error", reject));
      group.sockets.push(socket);
      if (conversationId !== undefined) group.senders.push({ socket, conversationId });
      else socket.on("chat.message", ({ message }: { message: { text: string } }) => group.heard(message.text));
    }
  };
  await Promise.all(Array.from({ length: CONNECTED_AT_ONCE }, worker));
}

function quantiles(times: number[], seconds: number): Figures {
  const sorted = times.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { perSecond: sorted.length / seconds, p50: at(0.5), p99: at(0.99) };
}

async function run({ to, seconds, rate }: Extract<Order, { kind: "run" }>): Promise<Ran> {
  const group = groups.get(to);
  if (!group) throw new Error(`nobody is connected to ${to}`);
  const acks: number[] = [];
  const deliveries: number[] = [];
  const under = new Map<string, number>();
  group.heard = (text) => {
    const since = under.get(text);
    if (since === undefined) return;
    under.delete(text);
    deliveries.push(performance.now() - since);
  };
  const send = ({ socket, conversationId }: Group["senders"][number]) =>
    new Promise<void>((resolve, reject) => {
      sent += 1;
      const clientMsgId = `${process.pid}-${sent}`;
      const text = clientMsgId.padEnd(BYTES, "x");
      const since = performance.now();
      under.set(text, since);
      socket.emit("call", "chat.send", { conversationId, clientMsgId, text }, (problem: object | null) => {
        acks.push(performance.now() - since);
        problem ? reject(new Error(JSON.stringify(problem))) : resolve();
      });
    });
  const began = performance.now();
  const until = began + seconds * 1000;
  if (rate === undefined)
    await Promise.all(
      group.senders.map(async (sender) => {
        while (performance.now() < until) await send(sender);
      }),
    );
  else {
    const answers: Promise<void>[] = [];
    for (let n = 0; n < rate * seconds; n++) {
      const due = began + (1000 * n) / rate;
      if (due > performance.now()) await delay(due - performance.now());
      const sender = group.senders[n % group.senders.length];
      if (sender) answers.push(send(sender));
    }
    await Promise.all(answers);
  }
  const took = (performance.now() - began) / 1000;
  for (const end = performance.now() + LAST_WAIT_MS; under.size > 0 && performance.now() < end; ) await delay(20);
  return { acks: quantiles(acks, took), delivery: quantiles(deliveries, took), undelivered: under.size };
}

process.on("message", (order: Order) => {
  (order.kind === "connect" ? connect(order) : run(order)).then(
    (done) => process.send?.({ done: done ?? null }),
    (error: unknown) => process.send?.({ failed: String(error) }),
  );
});
