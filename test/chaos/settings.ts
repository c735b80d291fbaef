import { createWriteStream } from "node:fs";
import { join } from "node:path";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What nodes under test are told, whatever the environment or a .env of whoever runs them says. */
export const nodeSettings = (origin: string, dir: string): Environment => ({
  WEB_URL: origin,
  PAYMENT_PROVIDER: "sandbox",
  DATA_DIR: join(dir, "data"),
  NODE_ENV: "test",
  LOG_LEVEL: "warn",
  LOG_FORMAT: "json",
  RATE_LIMIT: "off",
  SMTP_URL: "",
  ZIPKIN_URL: "",
  CORS_ORIGINS: "",
  CRASH_AT: "",
  FAULT: "",
});

/** Takes the lines of one process. */
export function logInto(dir: string, name: string): (line: string) => void {
  const log = createWriteStream(join(dir, `${name}.log`), { flags: "a" });
  return (line) => void log.write(`${line}\n`);
}
