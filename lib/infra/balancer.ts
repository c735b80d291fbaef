import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { LRUCache } from "lru-cache";

export interface Balancer {
  readonly port: number;
  /** Takes no more connections; those it has go on. */
  close(): void;
  /** Ends what is left. */
  destroy(): void;
}

/** Sessions of long polling whose place is remembered. */
const MAX_SESSIONS = 100_000;
/**
 * Milliseconds for which a connection to a target may be idle: less than a target that leaves goes on answering, so that it
 * never closes one over which a request is on its way.
 */
const IDLE_MS = 500;
/** Milliseconds for which a target that is leaving, as its answers say, is the last choice. */
const LEAVING_MS = 5000;
/** Where a client that polls learns its session's id. */
const SESSION_ID = /"sid":"([\w-]+)"/;

interface Client {
  /** The target of whatever may go to any. */
  first: number;
  /** Connections to targets are a client connection's own. */
  agent: Agent;
}

function sidOf(req: IncomingMessage): string | undefined {
  const [path, query] = (req.url ?? "").split("?", 2);
  return path?.startsWith("/socket.io") ? (new URLSearchParams(query).get("sid") ?? undefined) : undefined;
}

const isHandshake = (req: IncomingMessage) => req.url?.startsWith("/socket.io") === true && sidOf(req) === undefined;

/** What a client sent to have its connection upgraded, as it sent it. */
function headOf({ method, url, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/**
 * One HTTP port in front of several, round robin by connection; where one refuses, the next is tried, and where all do the
 * connection is reset. Long polling over Socket.IO stays with the target that has its session, as `sid` says.
 */
export function balance(port: number, targets: readonly number[]): Promise<Balancer> {
  const sockets = new Set<Socket>();
  const clients = new WeakMap<Socket, Client>();
  const sessions = new LRUCache<string, number>({ max: MAX_SESSIONS });
  const leaving = new Map<number, number>();
  let turn = 0;

  function track(socket: Socket) {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
  }

  function clientOf(socket: Socket): Client {
    let client = clients.get(socket);
    if (!client) {
      client = { first: turn++ % targets.length, agent: new Agent({ keepAlive: true, timeout: IDLE_MS }) };
      const { agent } = client;
      socket.once("close", () => agent.destroy());
      clients.set(socket, client);
    }
    return client;
  }

  /** Targets in the order in which they are tried. */
  function placesFor(req: IncomingMessage): number[] {
    const known = sessions.get(sidOf(req) ?? "");
    const { first } = clientOf(req.socket);
    if (known !== undefined) return [known];
    const places = targets.map((_, n) => (first + n) % targets.length);
    return places.sort((a, b) => Number(isLeaving(a)) - Number(isLeaving(b)));
  }

  const isLeaving = (place: number) => performance.now() < (leaving.get(place) ?? 0);

  /** A target that closes a connection which its client wants to keep is about to end. */
  function heed(place: number, asked: IncomingMessage, answer: IncomingMessage) {
    if (asked.headers.connection === "close" || asked.httpVersion === "1.0") return;
    if (answer.headers.connection === "close") leaving.set(place, performance.now() + LEAVING_MS);
    else leaving.delete(place);
  }

  function pass(req: IncomingMessage, res: ServerResponse, [place, ...others]: number[]) {
    if (place === undefined || req.socket.destroyed) return void req.socket.resetAndDestroy();
    const { method, url, rawHeaders, socket } = req;
    const { agent } = clientOf(socket);
    let isThere = false;
    const upstream = request({
      port: targets[place],
      host: "127.0.0.1",
      method,
      path: url,
      headers: rawHeaders,
      agent,
    });
    upstream.on("error", () => {
      if (isThere) socket.resetAndDestroy();
      else pass(req, res, others);
    });
    upstream.once("socket", (to) => {
      const begin = () => {
        isThere = true;
        req.pipe(upstream);
      };
      if (to.connecting) to.once("connect", begin);
      else begin();
    });
    upstream.once("response", (answer) => {
      heed(place, req, answer);
      if (isHandshake(req))
        answer.once("data", (chunk: Buffer) => {
          const [, sid] = SESSION_ID.exec(chunk.toString("latin1")) ?? [];
          if (sid) sessions.set(sid, place);
        });
      res.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.rawHeaders);
      res.flushHeaders();
      answer.once("error", () => socket.resetAndDestroy());
      answer.pipe(res);
    });
    res.once("close", () => {
      if (!res.writableFinished) upstream.destroy();
    });
  }

  function upgrade(req: IncomingMessage, client: Socket, head: Buffer, [place, ...others]: number[]) {
    const target = place === undefined ? undefined : targets[place];
    if (target === undefined || client.destroyed) return void client.resetAndDestroy();
    const upstream = connect({ port: target, host: "127.0.0.1" });
    const next = () => upgrade(req, client, head, others);
    upstream.once("error", next);
    upstream.once("connect", () => {
      upstream.off("error", next);
      track(upstream);
      upstream.once("error", () => client.resetAndDestroy());
      upstream.once("close", () => client.destroySoon());
      client.once("close", () => upstream.destroy());
      upstream.write(headOf(req));
      upstream.write(head);
      client.pipe(upstream);
      upstream.pipe(client);
    });
  }

  const server = createServer((req, res) => pass(req, res, placesFor(req)));
  server.on("connection", track);
  server.on("upgrade", (req, socket: Socket, head) => upgrade(req, socket, head, placesFor(req)));
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
