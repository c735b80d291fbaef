import { createHash, createPrivateKey, generateKeyPair, type KeyObject, scrypt } from "node:crypto";
import { promisify } from "node:util";
import type { Environment } from "../../../lib/environment";
import { unavailable } from "../../../lib/errors";
import { type Collection, type Document, DuplicateKey } from "../../../lib/store/collection";
import { now } from "../../../lib/time";
import type { PublicJwk } from "../auth.contract";
import { seal, unseal } from "../sealing";
import { type KeyTimes, keysToForget, keyToMake, type RotationRules, signingKey } from "./keys";

export interface KeyDocument extends Document, KeyTimes {
  publicJwk: PublicJwk;
  /** PKCS #8, sealed. */
  sealed: string;
}

export interface SigningKey {
  kid: string;
  privateKey: KeyObject;
}

const HOUR_MS = 3_600_000;
const MAX_TRIES = 5;

/** What verifiers and this node are given: an hour to fetch a new key, and a minute of clock difference for old ones. */
export const rotationRules = ({ rotationDays, accessSeconds }: Environment["jwt"]): RotationRules => ({
  rotationMs: rotationDays * 24 * HOUR_MS,
  aheadMs: HOUR_MS,
  keptMs: accessSeconds * 1000 + 60_000,
});

const deriveKey = (secret: string): Promise<Buffer> =>
  promisify<string, string, number, Buffer>(scrypt)(secret, "shop signing keys", 32);

async function makeKey(times: KeyTimes, secret: Buffer): Promise<KeyDocument> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
  const { crv = "", x = "", y = "" } = publicKey.export({ format: "jwk" });
  // RFC 7638: the thumbprint's members in this order.
  const kid = createHash("sha256")
    .update(JSON.stringify({ crv, kty: "EC", x, y }))
    .digest("base64url");
  return {
    _id: `key-${times.number}`,
    ...times,
    publicJwk: { kid, kty: "EC", alg: "ES256", use: "sig", crv, x, y },
    sealed: seal(privateKey.export({ format: "der", type: "pkcs8" }), secret),
  };
}

/**
 * The cluster's signing keys as this node knows them. They are in the store, their private halves sealed; whichever
 * node finds that one is due makes it, and the number as id lets one of several win. A node whose secret opens none of
 * them makes one of its own: what others signed stays good.
 */
export class KeyRing {
  private keys: KeyDocument[] = [];
  private readonly privateKeys = new Map<string, KeyObject>();
  private secret: Buffer | undefined;

  constructor(
    private readonly collection: Collection<KeyDocument>,
    private readonly keySecret: string,
    private readonly rules: RotationRules,
  ) {}

  /** Reads the keys, makes the one that is due and forgets those that no token needs. Again every minute or so. */
  async refresh(): Promise<void> {
    this.secret ??= await deriveKey(this.keySecret);
    await this.load(this.secret);
    const at = now();
    // Who loses the race for a number to a node with another secret tries the next one.
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const due = keyToMake(this.keys, this.own(), at, this.rules);
      if (!due) break;
      await this.insert(await makeKey(due, this.secret));
      await this.load(this.secret);
    }
    const old = keysToForget(this.keys, at, this.rules).map(({ _id }) => _id);
    if (old.length > 0) await this.collection.remove({ _id: { $in: old } });
  }

  /** The public keys of every token that may live, and of the next ones. */
  publicKeys(): PublicJwk[] {
    return this.keys.map(({ publicJwk }) => publicJwk);
  }

  signingKey(): SigningKey {
    const key = signingKey(this.own(), now());
    const privateKey = key && this.privateKeys.get(key._id);
    if (!privateKey) throw unavailable("KEYS_NOT_READY", "No token can be signed yet; try again.", 1);
    return { kid: key.publicJwk.kid, privateKey };
  }

  private own(): KeyDocument[] {
    return this.keys.filter(({ _id }) => this.privateKeys.has(_id));
  }

  private async load(secret: Buffer): Promise<void> {
    this.keys = await this.collection.find({}, { sort: ["number"] });
    for (const { _id, sealed } of this.keys) {
      if (this.privateKeys.has(_id)) continue;
      const key = unseal(sealed, secret);
      if (key) this.privateKeys.set(_id, createPrivateKey({ key, format: "der", type: "pkcs8" }));
    }
  }

  /** Where another node was first, its key is as good. */
  private async insert(key: KeyDocument): Promise<void> {
    try {
      await this.collection.insert(key);
    } catch (error) {
      if (!(error instanceof DuplicateKey)) throw error;
    }
  }
}
