import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

const PRODUCE = 0;
const METADATA = 3;
const NOT_LEADER_FOR_PARTITION = 6;

/**
 * Stands between a client and the one broker of a cluster, which the client then knows by the proxy's port. What is published
 * to one partition may be answered as if the partition had no leader here; Kafka has stored it.
 */
export async function kafkaProxy(broker: string) {
  const [host = "", port = ""] = broker.split(":");
  const sockets = new Set<Socket>();
  let isLeader = true;
  let refused = 0;

  const answer = (apiKey: number | undefined, frame: Buffer) => {
    if (apiKey === METADATA) readdress(frame, host, Number(port), portOf());
    if (apiKey === PRODUCE && !isLeader) {
      refuse(frame);
      refused += 1;
    }
    return frame;
  };
  const server = createServer((client) => {
    const upstream = connect(Number(port), host);
    const asked = new Map<number, number>();
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => other.destroy());
    }
    framesOf(client, (frame) => {
      asked.set(frame.readInt32BE(8), frame.readInt16BE(4));
      upstream.write(frame);
    });
    framesOf(upstream, (frame) => client.write(answer(asked.get(frame.readInt32BE(4)), frame)));
  });
  const portOf = () => (server.address() as { port: number }).port;
  server.listen(0, host);
  await once(server, "listening");
  return {
    broker: `${host}:${portOf()}`,
    /** How many publishes were answered as by one that does not lead. */
    get refused() {
      return refused;
    },
    lead(leads: boolean) {
      isLeader = leads;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Whole requests or answers, each with the four bytes that give its length. */
function framesOf(socket: Socket, take: (frame: Buffer) => void): void {
  let rest = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      take(Buffer.from(rest.subarray(0, end)));
      rest = rest.subarray(end);
    }
  });
}

/** In an answer about the cluster, where a host stands as text and its port behind it. */
function readdress(frame: Buffer, host: string, from: number, to: number): void {
  const address = Buffer.alloc(host.length + 4);
  address.write(host);
  address.writeInt32BE(from, host.length);
  for (let at = frame.indexOf(address); at >= 0; at = frame.indexOf(address, at + 1))
    frame.writeInt32BE(to, at + host.length);
}

/** In an answer to a publish of one partition: length, correlation, topics, name, partitions, partition, then the error. */
function refuse(frame: Buffer): void {
  const nameAt = 4 + 4 + 4;
  const errorAt = nameAt + 2 + frame.readInt16BE(nameAt) + 4 + 4;
  frame.writeInt16BE(NOT_LEADER_FOR_PARTITION, errorAt);
}
