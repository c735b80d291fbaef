import type { ServiceBroker } from "moleculer";

type Logger = ServiceBroker["logger"];

/** A logger that keeps what it is told, for whoever wants to see it. */
export function keptLogger(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const to =
    (level: string) =>
    (...words: unknown[]) =>
      void lines.push(`${level} ${words.join(" ")}`);
  const logger = Object.fromEntries(
    ["fatal", "error", "warn", "info", "debug", "trace"].map((level) => [level, to(level)]),
  );
  return { logger: logger as unknown as Logger, lines };
}

export const silent: Logger = keptLogger().logger;
