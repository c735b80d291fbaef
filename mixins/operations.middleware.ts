import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Middleware, ServiceBroker } from "moleculer";
import { nodeOf } from "../lib/node";

const METHODS = ["GET", "HEAD"];

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  const headers = { "Content-Type": type, "Content-Length": Buffer.byteLength(body), "Cache-Control": "no-store" };
  response.writeHead(status, headers).end(body);
}

async function serve(broker: ServiceBroker, { method = "", url }: IncomingMessage, response: ServerResponse) {
  const { health, metrics } = nodeOf(broker);
  if (!METHODS.includes(method)) {
    // What it sends along is not read.
    response.setHeader("Allow", METHODS.join(", ")).setHeader("Connection", "close");
    return answer(response, 405, "application/json", '{"status":"method not allowed"}');
  }
  const path = url?.split("?", 1)[0] ?? "/";
  if (path === "/health/live") {
    const dead = health.dead();
    const body = dead.length > 0 ? { status: "dead", dead } : { status: "ok" };
    return answer(response, dead.length > 0 ? 503 : 200, "application/json", JSON.stringify(body));
  }
  if (path === "/health/ready") {
    const readiness = await health.readiness();
    const status = readiness.status === "unavailable" ? 503 : 200;
    return answer(response, status, "application/json", JSON.stringify(readiness));
  }
  if (path === "/metrics") return answer(response, 200, metrics.registry.contentType, await metrics.registry.metrics());
  return answer(response, 404, "application/json", '{"status":"not found"}');
}

/**
 * Health and metrics of a node on its operations port, from before its services start until after they stopped; on every
 * address unless `host` is one.
 */
export function operationsMiddleware(port: number, host: string | undefined): Middleware {
  let server: Server | undefined;
  return {
    name: "Operations",
    starting: (broker) =>
      new Promise((resolve, reject) => {
        server = createServer((request, response) => {
          serve(broker, request, response).catch((error: unknown) => {
            broker.logger.error({ err: error }, "the operations port failed");
            answer(response, 500, "application/json", '{"status":"failed"}');
          });
        });
        server.once("error", reject);
        server.listen({ port, host }, resolve);
      }),
    stopped: () =>
      new Promise((resolve) => {
        if (!server) return resolve();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
