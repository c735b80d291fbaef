import { type ChildProcess, fork } from "node:child_process";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { freePorts } from "../../lib/infra/ports";

/** What the provider says of somebody who signs in with the login it is kept under; the subject is that login. */
export interface Person {
  email?: string;
  email_verified?: boolean;
  name?: string;
}

export interface OidcClient {
  client_id: string;
  client_secret: string;
  redirect_uris: string[];
  token_endpoint_auth_method: "client_secret_basic" | "client_secret_post";
}

interface Told {
  ready?: true;
  request?: string;
  given?: string[];
  knows?: string;
}

function signingKey() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "ES256" };
}

/** A certified OpenID provider (`oidc-provider`) in a process of its own, on one port for as long as the test runs. */
export class OidcProvider {
  /** `METHOD /path` of each request that it answered, over restarts. */
  readonly requests: string[] = [];
  /** Tokens that it issued and PKCE verifiers that it was shown: nobody else may ever see one. */
  readonly secrets: string[] = [];
  readonly people: Record<string, Person> = {};
  private grants = 0;
  private keys = [signingKey()];
  private child: ChildProcess | undefined;

  private constructor(
    private readonly port: number,
    private readonly clients: OidcClient[],
  ) {}

  static async start(clients: OidcClient[], people: Record<string, Person>): Promise<OidcProvider> {
    const [port = 0] = await freePorts(1);
    const provider = new OidcProvider(port, clients);
    Object.assign(provider.people, people);
    await provider.start();
    return provider;
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it again where it was; it has forgotten its sessions, but not its keys. */
  async start(): Promise<void> {
    const settings = { port: this.port, clients: this.clients, people: this.people, jwks: { keys: this.keys } };
    const child = fork(join(__dirname, "oidc-server.mjs"), {
      execArgv: [],
      env: { PATH: process.env.PATH, OIDC_SETTINGS: JSON.stringify(settings) },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.child = child;
    let errors = "";
    child.stderr?.on("data", (chunk) => {
      errors += chunk;
    });
    await new Promise<void>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`The provider ended with ${code}: ${errors}`)));
      child.on("message", ({ ready, request, given }: Told) => {
        if (request) this.requests.push(request);
        if (given) {
          this.secrets.push(...given);
          this.grants += 1;
        }
        if (ready) resolve();
      });
    });
    // A test that fails before it ends it goes on to its end.
    child.unref();
    child.channel?.unref();
  }

  /** Lets somebody sign in with that login, or says something else of them from now on. */
  async know(login: string, person: Person): Promise<void> {
    this.people[login] = person;
    const { child } = this;
    if (!child) return;
    const known = new Promise<void>((resolve) => {
      const hear = ({ knows }: Told) => {
        if (knows !== login) return;
        child.off("message", hear);
        resolve();
      };
      child.on("message", hear);
    });
    child.send({ login, person });
    await known;
  }

  /** How often it issued tokens. */
  async issued(): Promise<number> {
    // What it told before it answers this has been heard by then.
    await this.know("", {});
    return this.grants;
  }

  /** Signs with another key from now on; the old one is published no longer. */
  async rotateKeys(): Promise<void> {
    this.keys = [signingKey()];
    await this.kill();
    await this.start();
  }

  /** It takes connections and answers none of them, until {@link resume}. */
  pause(): void {
    this.child?.kill("SIGSTOP");
  }

  resume(): void {
    this.child?.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  /** How often it was asked for what `part` is in. */
  count(part: string): number {
    return this.requests.filter((request) => request.includes(part)).length;
  }
}
