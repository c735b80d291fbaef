import { type CipherKey, developmentKey } from "./config/cipher";
import { natsServers } from "./nats-url";

/** Stands for secrets that are not given, outside of production. */
export const DEVELOPMENT_SECRET = "development-only-secret-do-not-use-in-production";

/** Of the sandbox, whose payments are none. */
export const SANDBOX_SECRET = "test_sk_sandbox";

const KNOWN_SECRETS = [DEVELOPMENT_SECRET, SANDBOX_SECRET];
/** Encrypts nothing from anybody: that of development, the sample that `.env.example` once had, one byte over and over. */
const isKnownKey = (key: Buffer): boolean =>
  key.equals(developmentKey(DEVELOPMENT_SECRET).key) ||
  key.toString("base64") === "mqc6k8R1m2b0kq3Q4kYbq1n0uY2b8T2m1x5sR0c9wKI=" ||
  key.every((byte) => byte === key[0]);

interface SecretOptions {
  needed: boolean;
  standIn?: string;
  minLength?: number;
}

/** Reads on where a variable cannot be used, so that all of them can be reported at once. */
export class EnvironmentReader {
  /** Each names its variable. */
  readonly problems: string[] = [];

  constructor(
    private readonly source: NodeJS.ProcessEnv,
    private readonly production: boolean,
  ) {}

  refuse(problem: string): void {
    this.problems.push(problem);
  }

  text(name: string): string | undefined {
    return this.source[name]?.trim() || undefined;
  }

  integer(name: string, fallback: number, { min = 0, max = Number.MAX_SAFE_INTEGER } = {}): number {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    this.refuse(`${name} must be a whole number from ${min} to ${max}, not "${text}"`);
    return fallback;
  }

  optionalInteger(name: string, bounds: { min?: number; max?: number }): number | undefined {
    return this.text(name) === undefined ? undefined : this.integer(name, 0, bounds);
  }

  optionalFraction(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (value >= 0 && value <= 1) return value;
    this.refuse(`${name} must be a number from 0 to 1, not "${text}"`);
    return undefined;
  }

  url(name: string, protocols: string[]): string | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (!protocols.some((protocol) => text.startsWith(`${protocol}://`)))
      this.refuse(`${name} must start with ${protocols.map((p) => `${p}://`).join(" or ")}`);
    return text.replace(/\/+$/, "");
  }

  /** Scheme, host and port of an http(s) URL that has nothing else. */
  origin(name: string): string | undefined {
    const text = this.url(name, ["http", "https"]);
    if (text === undefined) return undefined;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.href === `${url?.origin}/`) return url.origin;
    this.refuse(`${name} must be an origin, such as https://shop.example, without a path`);
    return undefined;
  }

  nats(name: string): string | undefined {
    const text = this.text(name);
    try {
      if (text !== undefined) natsServers(text);
    } catch (error) {
      this.refuse(`${name} ${(error as Error).message}`);
    }
    return text;
  }

  list(name: string): string[] {
    return (this.text(name) ?? "")
      .split(",")
      .map((item) => item.trim())
      .filter(Boolean);
  }

  hosts(name: string): string[] {
    const hosts = this.list(name);
    for (const host of hosts)
      if (!/^[A-Za-z0-9._-]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/.test(host))
        this.refuse(`${name} must be host:port, several with commas between them, not "${host}"`);
    return hosts;
  }

  oneOf<T extends string>(name: string, values: T[], fallback: T): T {
    const text = this.text(name);
    const value = text === undefined ? fallback : values.find((candidate) => candidate === text);
    if (value === undefined) this.refuse(`${name} must be one of ${values.join(", ")}`);
    return value ?? fallback;
  }

  /** `id:key` of each, 32 bytes in base64; in production there is none unless it is given. */
  cipherKeys(name: string): CipherKey[] {
    const keys = this.list(name).map((item) => {
      const [, id = "", text = ""] = /^([A-Za-z0-9_-]{1,32}):(.+)$/.exec(item) ?? [];
      return { id, key: Buffer.from(text, "base64") };
    });
    if (keys.some(({ id, key }) => id === "" || key.length !== 32))
      this.refuse(`${name} must be id:key, the key being 32 bytes in base64, several with commas between them`);
    if (this.production && keys.some(({ key }) => isKnownKey(key)))
      this.refuse(`${name} has a key that everybody knows: make one with openssl rand -base64 32`);
    if (new Set(keys.map(({ id }) => id)).size < keys.length) this.refuse(`${name} names a key twice`);
    return keys.length > 0 || this.production ? keys : [developmentKey(DEVELOPMENT_SECRET)];
  }

  names(name: string): string[] {
    const names = this.list(name);
    for (const one of names)
      if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(one))
        this.refuse(
          `${name} must be small letters, digits and hyphens, several with commas between them, not "${one}"`,
        );
    return names;
  }

  /** A secret has a stand-in for development; in production it must be given where it is `needed`. */
  secret(name: string, { needed, standIn = "", minLength = 0 }: SecretOptions): string {
    const text = this.text(name);
    if (this.production) {
      if (needed && text === undefined) this.refuse(`${name} is not set: it is needed with NODE_ENV=production`);
      if (text !== undefined && KNOWN_SECRETS.includes(text))
        this.refuse(`${name} is one that everybody knows, which will not do with NODE_ENV=production`);
      if (text !== undefined && text.length < minLength)
        this.refuse(`${name} must have ${minLength} characters or more`);
    }
    return text ?? standIn;
  }
}
