import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** How the next request to the provider fares: its answer comes late, is lost after the provider did its work, or is no. */
export interface Fate {
  delayMs?: number;
  loseAnswer?: boolean;
  /** The code of a refusal in the provider's place. */
  refusal?: string;
}

export interface SlowProvider {
  url: string;
  /** Decides each request's fate, by its path. */
  fate: (path: string) => Fate;
  close(): Promise<void>;
}

async function forward(target: string, request: IncomingMessage, body: Buffer): Promise<Response> {
  const { authorization = "", "content-type": type, "idempotency-key": key } = request.headers;
  return fetch(target + request.url, {
    method: request.method,
    headers: { authorization, ...(type && { "content-type": type }), ...(key && { "idempotency-key": String(key) }) },
    ...(request.method === "POST" && { body }),
  });
}

/** A network between the shop and its payment provider that can be slow and lose answers. */
export async function slowProvider(target: () => string): Promise<SlowProvider> {
  const provider: SlowProvider = { url: "", fate: () => ({}), close: async () => undefined };
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { delayMs = 0, loseAnswer, refusal } = provider.fate(request.url ?? "");
    await delay(delayMs);
    if (refusal) {
      response
        .writeHead(403, { "Content-Type": "application/json" })
        .end(JSON.stringify({ code: refusal, message: "" }));
      return;
    }
    const answer = await forward(target(), request, Buffer.concat(chunks));
    const text = await answer.text();
    if (loseAnswer) request.socket.destroy();
    else response.writeHead(answer.status, { "Content-Type": "application/json" }).end(text);
  }
  const server: Server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  provider.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  provider.close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return provider;
}
