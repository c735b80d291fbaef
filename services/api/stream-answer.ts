import type { ServerResponse } from "node:http";
import { PassThrough, pipeline } from "node:stream";
import ApiGateway from "moleculer-web";
import type { GatewayRequest } from "./gateway";
import { EVENT_STREAM } from "./handle";

interface AnswerMethods {
  sendResponse(req: GatewayRequest, res: ServerResponse, data: unknown, action: unknown): void;
}

// moleculer-web's types leave its methods out.
const theirs = (ApiGateway as unknown as { methods: AnswerMethods }).methods;

/** moleculer-web warns of every stream that was not read to its end, which is how a client leaves one. */
export const answerMethods: AnswerMethods = {
  sendResponse(req, res, data, action) {
    if (!(data instanceof PassThrough)) return theirs.sendResponse.call(this, req, res, data, action);
    res.writeHead(200, { ...req.$ctx?.meta.$responseHeaders, "Content-Type": EVENT_STREAM });
    // `pipeline` listens seven times to the end of an answer, whose measuring and tracing do so, too.
    res.setMaxListeners(20);
    pipeline(data, res, () => undefined);
  },
};
