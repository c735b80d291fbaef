import type { Server } from "node:http";
import type { Socket } from "node:net";
import { ShopError } from "../../lib/errors";
import { newId } from "../../lib/ids";
import { toProblem } from "./problem";

const ANSWERS: Record<string, ShopError> = {
  HPE_HEADER_OVERFLOW: new ShopError(431, "HEADERS_TOO_LARGE", "The headers are larger than is accepted here."),
  ERR_HTTP_REQUEST_TIMEOUT: new ShopError(408, "REQUEST_TIMEOUT", "The request did not arrive in time."),
};
const MALFORMED = new ShopError(400, "MALFORMED_REQUEST", "This is not HTTP as it should be; a URL has to be encoded.");

/** What Node's parser refuses never reaches a route: it is answered here, as a problem document like any other. */
export function answerClientErrors(server: Server): void {
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    const problem = toProblem(ANSWERS[error.code ?? ""] ?? MALFORMED, newId());
    const body = JSON.stringify(problem);
    const head = [
      `HTTP/1.1 ${problem.status} ${problem.title}`,
      "Content-Type: application/problem+json; charset=utf-8",
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${problem.requestId}`,
      "Connection: close",
    ];
    socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  });
}
