import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import jwt from "jsonwebtoken";
import { LRUCache } from "lru-cache";
import type { Access, Call, Caller, Role } from "../../lib/actions";
import type { Environment } from "../../lib/environment";
import { forbidden, unauthorized } from "../../lib/errors";
import type { Revocations } from "./revocations";

/** An access token's content. Times are in seconds, `issuedAt` may have a fraction. */
export interface Verified {
  readonly caller: Caller;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const REFETCH_MS = 3000;
const ROLES: Role[] = ["customer", "agent", "admin"];
/** The `scope` of a token that is good for setting up a second factor and for nothing else. */
const ENROL = "enrol";

const mustEnrol = () => forbidden("MFA_ENROLMENT_REQUIRED", "Your role needs a second factor: set one up first.");

/** Verifies access tokens with auth's public keys, here and without a call. */
export class Authentication {
  private keys = new Map<string, KeyObject>();
  private fetchedAt = 0;
  private readonly verified = new LRUCache<string, Verified>({ max: 10_000 });

  constructor(
    private readonly call: Call,
    private readonly settings: Environment["jwt"],
    private readonly revocations: Revocations,
  ) {}

  /** What the header's token says; undefined without a header. Throws 401 for a token that is not good. */
  async authenticate(authorization: string | undefined): Promise<Verified | undefined> {
    if (authorization === undefined) return undefined;
    const [, token] = /^Bearer (\S+)$/i.exec(authorization) ?? [];
    if (!token) throw unauthorized("BAD_TOKEN", "Send an access token as Authorization: Bearer.");
    return this.read(token);
  }

  /** What a token says that opens all that its roles may do. Throws 401 for one that is not good, 403 for one that is less. */
  async admit(token: string): Promise<Verified> {
    const verified = await this.read(token);
    if (verified.caller.mustEnrol) throw mustEnrol();
    return verified;
  }

  private async read(token: string): Promise<Verified> {
    if (!TOKEN.test(token)) throw unauthorized("BAD_TOKEN", "The access token is not one of ours.");
    const verified = await this.verify(token);
    await this.revocations.fresh();
    this.demandAlive(verified);
    return verified;
  }

  /** Throws 401 where a token that was good is so no longer. */
  demandAlive({ caller, issuedAt, expiresAt }: Verified): void {
    if (expiresAt * 1000 <= Date.now()) throw unauthorized("TOKEN_EXPIRED", "The access token has expired.");
    if (this.revocations.covers(caller, issuedAt))
      throw unauthorized("TOKEN_REVOKED", "The session of this access token has ended.");
  }

  /** Fetches the keys ahead of the first request. */
  async warm(): Promise<void> {
    await this.fetchKeys();
  }

  private async verify(token: string): Promise<Verified> {
    // The whole token decides, so a hash of it may stand for it; the signature is checked once.
    const id = createHash("sha256").update(token).digest("base64url");
    const known = this.verified.get(id);
    if (known) return known;
    const kid = jwt.decode(token, { complete: true })?.header.kid;
    const key = kid === undefined ? undefined : await this.key(kid);
    if (!key) throw unauthorized("BAD_TOKEN", "The access token is not one of ours.");
    const verified = this.check(token, key);
    this.verified.set(id, verified);
    return verified;
  }

  private check(token: string, key: KeyObject): Verified {
    const { issuer, audience } = this.settings;
    try {
      const claims = jwt.verify(token, key, { algorithms: ["ES256"], issuer, audience });
      if (typeof claims === "object" && claims.sub && claims.iat && claims.exp && typeof claims.sid === "string") {
        const roles = ROLES.filter((role) => Array.isArray(claims.roles) && claims.roles.includes(role));
        return {
          caller: { id: claims.sub, roles, sid: claims.sid, ...(claims.scope === ENROL && { mustEnrol: true }) },
          issuedAt: Number.isInteger(claims.iat_ms) ? claims.iat_ms / 1000 : claims.iat,
          expiresAt: claims.exp,
        };
      }
    } catch (error) {
      if (error instanceof jwt.TokenExpiredError) throw unauthorized("TOKEN_EXPIRED", "The access token has expired.");
    }
    throw unauthorized("BAD_TOKEN", "The access token is not one of ours.");
  }

  private async key(kid: string): Promise<KeyObject | undefined> {
    if (!this.keys.has(kid) && Date.now() - this.fetchedAt > REFETCH_MS) await this.fetchKeys();
    return this.keys.get(kid);
  }

  private async fetchKeys(): Promise<void> {
    this.fetchedAt = Date.now();
    const { keys } = await this.call("auth.jwks", {});
    this.keys = new Map(keys.map((jwk) => [jwk.kid, createPublicKey({ key: jwk, format: "jwk" })]));
  }
}

interface Guarded {
  access?: Access;
  enrolling?: boolean;
}

/** Throws 401 where somebody must be signed in, 403 where the role may not. */
export function authorize({ access, enrolling }: Guarded, caller: Caller | undefined): void {
  if (access === "anyone") return;
  if (!caller) throw unauthorized("UNAUTHENTICATED", "Sign in and send the access token.");
  if (caller.mustEnrol && !enrolling) throw mustEnrol();
  if (access === "signed-in") return;
  if (!access?.some((role) => caller.roles.includes(role))) throw forbidden("FORBIDDEN", "Your role may not do this.");
}
