import type { ServiceBroker } from "moleculer";
import type { Caller, Meta } from "../../lib/actions";
import { Bulkhead } from "../../lib/bulkhead";
import { conflict, invalid, notFound, ShopError, tooMany } from "../../lib/errors";
import { newId } from "../../lib/ids";
import type { Metrics } from "../../lib/metrics";
import { nodeOf } from "../../lib/node";
import { inRequest } from "../../lib/request-scope";
import type { DeclaredAction } from "../../mixins/middleware";
import { authorize } from "./authentication";
import { type Problem, toProblem, toPublicError } from "./problem";
import type { RateLimits } from "./rate-limits";
import { Refusals } from "./socket-refusals";
import { demandWholeCharacters } from "./well-formed";

/** Calls that a socket may have running: what it has not waited for is held here. */
const MAX_RUNNING = 100;
/** Of those whose answers are long, and which are held here until the client has read the one before. */
const LONG = { concurrency: 4, queue: MAX_RUNNING };

interface SocketCall {
  action: string;
  limit: "read" | "write";
  /** The action names the conversation `id`, as its path does. */
  ofConversation?: boolean;
  /** Its answer may come to hundreds of kilobytes. */
  long?: boolean;
}

const of = (action: string, limit: SocketCall["limit"]): SocketCall => ({ action, limit });
const ofConversation = (action: string, limit: SocketCall["limit"]): SocketCall => ({
  action,
  limit,
  ofConversation: true,
});

/** All that a socket can ask for, whatever else is published. What clients send unasked counts among the many reads. */
const CALLS = new Map<string, SocketCall>([
  ["chat.open", of("chat.open", "write")],
  ["chat.send", ofConversation("chat.send", "write")],
  ["chat.sync", { ...of("chat.sync", "read"), long: true }],
  ["chat.history", { ...ofConversation("chat.history", "read"), long: true }],
  ["chat.list", { ...of("chat.list", "read"), long: true }],
  ["chat.read", ofConversation("chat.read", "read")],
  ["chat.typing", ofConversation("chat.typing", "read")],
  ["chat.claim", ofConversation("chat.claim", "write")],
  ["chat.transfer", ofConversation("chat.transfer", "write")],
  ["chat.close", ofConversation("chat.close", "write")],
  ["chat.rate", ofConversation("chat.rate", "write")],
  ["agent.status", of("chat.setAgentStatus", "write")],
]);
const REFRESH = "auth.refresh";

interface Client {
  socketId: string;
  caller: Caller;
  clientIp: string;
  userAgent: string | undefined;
  isThere: () => boolean;
  /** Resolves, for one after the other, when nothing waits to be sent to it. */
  whenRead: () => Promise<void>;
}

/** Who calls over a socket. */
export interface SocketCaller extends Client {
  /** Calls that have no answer yet. */
  running: Set<Promise<unknown>>;
  /** The last message sent to each conversation: the next one waits for it, so that they get there in their order. */
  sending: Map<string, Promise<unknown>>;
  /** Calls with long answers. */
  reading: Bulkhead;
  refusals: Refusals;
}

const tooManyCalls = () => tooMany("TOO_MANY_CALLS", "Wait for some answers before you ask for more.", 1);

export const newCaller = (client: Client): SocketCaller => ({
  ...client,
  running: new Set(),
  sending: new Map(),
  reading: new Bulkhead(() => LONG, tooManyCalls),
  refusals: new Refusals(),
});

interface Parts {
  broker: ServiceBroker;
  limits: RateLimits;
  metrics: Metrics;
  logger: ServiceBroker["logger"];
}

export type Answer = { error: Problem } | { result: unknown };

const unknownField = (path: string) => invalid([{ path, message: "is not a known field" }]);

function paramsOf({ ofConversation }: SocketCall, given: unknown): Record<string, unknown> {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw invalid([{ path: "", message: "must be an object" }]);
  if (Object.hasOwn(given, "__proto__")) throw unknownField("__proto__");
  demandWholeCharacters(given);
  if (!ofConversation) return { ...given };
  if (Object.hasOwn(given, "id")) throw unknownField("id");
  const { conversationId, ...rest } = given as { conversationId?: unknown };
  return { ...rest, ...(conversationId !== undefined && { id: conversationId }) };
}

/** Names the fields of an error as the client does. */
function asAsked(error: unknown): unknown {
  if (!(error instanceof ShopError) || !error.data.errors) return error;
  const errors = error.data.errors.map((field) => (field.path === "id" ? { ...field, path: "conversationId" } : field));
  return new ShopError(error.code, error.type, error.message, { ...error.data, errors });
}

/** A socket's calls: few names, each of one action, under the access and the limits that hold over HTTP. */
export function socketCalls({ broker, limits, metrics, logger }: Parts) {
  const { tracer } = nodeOf(broker);

  /** Throws where no node has the action. */
  function declared(action: string): DeclaredAction {
    const endpoint = broker.findNextActionEndpoint(action) as Error | { action: DeclaredAction };
    if (endpoint instanceof Error) throw endpoint;
    return endpoint.action;
  }

  async function act(call: SocketCall, from: SocketCaller, given: unknown, requestID: string): Promise<unknown> {
    // What is no request over HTTP says nothing of access; it is for whoever is signed in.
    authorize({ access: "signed-in", ...declared(call.action) }, from.caller);
    const meta: Meta = {
      user: from.caller,
      clientIp: from.clientIp,
      userAgent: from.userAgent,
    };
    const acting = broker.call(call.action, paramsOf(call, given), { requestID, meta });
    return call.ofConversation ? acting.catch((error: unknown) => Promise.reject(asAsked(error))) : acting;
  }

  /** One after the other for a conversation, whether the one before it got there or not. */
  function inOrder(from: SocketCaller, given: unknown, send: () => Promise<unknown>): Promise<unknown> {
    const id = (given as { conversationId?: unknown } | null | undefined)?.conversationId;
    // Whatever else it is, the action refuses it.
    if (typeof id !== "string") return send();
    const sent = (from.sending.get(id) ?? Promise.resolve()).then(send, send);
    from.sending.set(id, sent);
    const done = () => {
      if (from.sending.get(id) === sent) from.sending.delete(id);
    };
    sent.then(done, done);
    return sent;
  }

  /** Few at once. The client's reading sets the pace, so that what it does not read is not fetched. */
  function inTurn(from: SocketCaller, fetch: () => Promise<unknown>): Promise<unknown> {
    return from.reading.run(async () => {
      if (!from.isThere()) throw conflict("DISCONNECTED", "The socket is gone.");
      const answer = await fetch();
      await from.whenRead();
      return answer;
    });
  }

  async function run(from: SocketCaller, name: string, given: unknown, requestID: string, refresh: Refresh) {
    if (from.running.size > MAX_RUNNING) throw tooManyCalls();
    const call = CALLS.get(name);
    const ask = async () => {
      await limits.admitCall(call?.limit ?? "write", from.caller.id, from.socketId);
      if (name === REFRESH) return refresh(given);
      if (!call) throw notFound("NOT_FOUND", "There is no such call.");
      const acting = () => act(call, from, given, requestID);
      return call.long ? inTurn(from, acting) : acting();
    };
    // Its turn is taken before anything is waited for.
    return name === "chat.send" ? inOrder(from, given, ask) : ask();
  }

  /** Never rejects. */
  async function answer(from: SocketCaller, name: unknown, given: unknown, refresh: Refresh): Promise<Answer> {
    const requestID = newId();
    const started = performance.now();
    const known = typeof name === "string" && (CALLS.has(name) || name === REFRESH) ? name : "unknown";
    const span = tracer.enter({
      name: known,
      service: "api",
      kind: "SERVER",
      tags: { call: known, node: broker.nodeID },
    });
    const scope = { requestId: requestID, traceparent: span.traceparent, service: "api" };
    const log = (outcome: string, isRefusal = false) => {
      metrics.socketCalls.inc({ name: known, outcome });
      const ms = Math.round((performance.now() - started) * 10) / 10;
      const more = isRefusal ? from.refusals.line() : {};
      if (!more) return;
      const line = { call: known, outcome, ms, user: from.caller.id, ...more };
      inRequest(scope, () => logger.info(line, "socket call"));
    };
    try {
      const asked = typeof name === "string" ? name : "";
      const result = await inRequest(scope, () => span.around(() => run(from, asked, given, requestID, refresh)));
      log("ok");
      return { result: result ?? null };
    } catch (error) {
      const shown = toPublicError(error);
      if (shown.code >= 500) inRequest(scope, () => logger.error({ err: error, call: known }, "failed"));
      log(shown.type, shown.code === 429);
      const retryAfter = shown.data.retryAfter ?? 1;
      const wait = shown.code === 429 || shown.code === 503 ? { retryAfter } : {};
      return { error: { ...toProblem(shown, requestID), ...wait } };
    }
  }

  return function take(from: SocketCaller, name: unknown, given: unknown, refresh: Refresh): Promise<Answer> {
    const answered = answer(from, name, given, refresh);
    from.running.add(answered);
    void answered.then(() => from.running.delete(answered));
    return answered;
  };
}

/** Takes `{ token }` in the place of the one that the socket came with. */
export type Refresh = (given: unknown) => Promise<object>;
