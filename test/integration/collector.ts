import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ZipkinSpan } from "../../lib/tracing/span";

/** Stands where Zipkin does and keeps what it is sent. */
export interface Collector {
  url: string;
  spans: ZipkinSpan[];
  /** Bodies as they came. */
  bodies: string[];
  paths: string[];
  authorizations: (string | undefined)[];
  /** What it answers: a status, or nothing at all. */
  answer: number | "nothing";
  close: () => Promise<void>;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

export async function startCollector(): Promise<Collector> {
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await bodyOf(request);
    collector.paths.push(request.url ?? "");
    collector.bodies.push(body);
    collector.authorizations.push(request.headers.authorization);
    if (collector.answer === "nothing") return;
    if (collector.answer < 300) collector.spans.push(...(JSON.parse(body) as ZipkinSpan[]));
    response.writeHead(collector.answer).end();
  };
  const server = createServer((request, response) => {
    take(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    bodies: [],
    paths: [],
    authorizations: [],
    answer: 202,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return collector;
}
