import { connect, createServer, type Socket } from "node:net";

export interface Balancer {
  readonly port: number;
  /** Takes no more connections; those it has go on. */
  close(): void;
  /** Ends what is left. */
  destroy(): void;
}

/** A TCP port in front of several, round robin; where one refuses, the next is tried, and where all do the connection is reset. */
export function balance(port: number, targets: readonly number[]): Promise<Balancer> {
  const sockets = new Set<Socket>();
  let turn = 0;
  // Half-open, as a client may end its side while it still waits for the answer.
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    const first = turn++;
    track(client);
    client.once("error", () => client.destroy());
    attempt(client, first, 0);
  });

  function track(socket: Socket) {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once("close", () => sockets.delete(socket));
  }

  function attempt(client: Socket, first: number, tried: number) {
    const target = targets[(first + tried) % targets.length];
    if (tried >= targets.length || target === undefined || client.destroyed) return void client.resetAndDestroy();
    const upstream = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true });
    const next = () => attempt(client, first, tried + 1);
    upstream.once("error", next);
    upstream.once("connect", () => {
      upstream.off("error", next);
      track(upstream);
      join(client, upstream);
    });
  }

  function join(client: Socket, upstream: Socket) {
    upstream.once("error", () => client.resetAndDestroy());
    client.once("close", () => upstream.destroy());
    upstream.once("close", () => client.destroySoon());
    client.pipe(upstream);
    upstream.pipe(client);
  }

  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, () => {
      resolve({
        port,
        close: () => void server.close(),
        destroy: () => {
          for (const socket of sockets) socket.destroy();
        },
      });
    });
  });
}
