import type { DestinationStream, LoggerOptions } from "pino";
import pretty from "pino-pretty";
import { redact } from "./redact";
import { currentRequest } from "./request-scope";
import { traceIdOf } from "./trace";

function scopeOfLine(): object {
  const { requestId, traceparent } = currentRequest() ?? {};
  return { ...(requestId && { requestId }), ...(traceparent && { traceId: traceIdOf(traceparent) }) };
}

/** pino's options for every logger of a node: the request's and its trace's id on each line, and no secret in any. */
export const pinoOptions: LoggerOptions = {
  mixin: scopeOfLine,
  timestamp: () => `,"time":"${new Date().toISOString()}"`,
  formatters: { level: (label) => ({ level: label }) },
  hooks: {
    logMethod(args, method) {
      const [first] = args as unknown[];
      // An error alone, as Moleculer logs some: redacted it is a plain object, of which pino would make fields and no text.
      const told = first instanceof Error && args.length === 1 ? [{ err: first }, first.message] : args;
      // pino's types fix the argument list to a message; redaction keeps their number and kind.
      method.apply(this, told.map((arg) => redact(arg)) as typeof args);
    },
  },
};

/** Lines for people, written at once so that none is missing when the process dies. */
export const prettyDestination = (): DestinationStream =>
  pretty({
    sync: true,
    ignore: "pid,hostname,nodeID,ns,ver,mod,svc",
    singleLine: true,
    messageFormat: (log, key) => `${log.svc ? `[${String(log.svc)}] ` : ""}${String(log[key])}`,
    translateTime: "SYS:HH:MM:ss",
  });
