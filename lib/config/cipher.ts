import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

const PREFIX = "{cipher}";
const FORM = /^\{cipher\}([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]+)$/;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** What stands in a secret's place wherever one could be seen. */
export const MASK = "******";

export interface CipherKey {
  id: string;
  /** 32 bytes. */
  key: Buffer;
}

/** A key of development, made from a text that everybody knows. */
export const developmentKey = (text: string): CipherKey => ({
  id: "development",
  key: createHash("sha256").update(text).digest(),
});

/** A `{cipher}` that none of the keys opens. The message names the key's id, never the value. */
export class UnreadableCipher extends Error {
  override readonly name = "UnreadableCipher";
}

export const isCipher = (value: unknown): value is string => typeof value === "string" && value.startsWith(PREFIX);

/** Why a text cannot be a secret: nothing, and what stands for secrets, would silently take the place of a real one. */
export function problemOfSecret(text: unknown): string | undefined {
  if (text === "") return "is empty, which is no secret";
  if (text === MASK) return "is what stands for a secret, not a secret";
  if (isCipher(text)) return "is a cipher within a cipher";
  return undefined;
}

/** AES-256-GCM under several keys: the first one encrypts, each decrypts what names it, so that keys can be rotated. */
export class Ciphers {
  constructor(private readonly keys: readonly CipherKey[]) {}

  /** Undefined where there is no key to encrypt with. */
  encrypt(text: string): string | undefined {
    const [first] = this.keys;
    if (!first) return undefined;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv("aes-256-gcm", first.key, iv);
    const encrypted = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    const packed = Buffer.concat([iv, cipher.getAuthTag(), encrypted]);
    return `${PREFIX}${first.id}.${packed.toString("base64url")}`;
  }

  /** Whether a cipher was made with the key that encrypts now. */
  isCurrent(cipher: string): boolean {
    return FORM.exec(cipher)?.[1] === this.keys[0]?.id;
  }

  /** Throws {@link UnreadableCipher}. */
  decrypt(cipher: string): string {
    const [, id = "", packed = ""] = FORM.exec(cipher) ?? [];
    if (!id) throw new UnreadableCipher("it has not the form {cipher}<key id>.<base64url>");
    const known = this.keys.find((candidate) => candidate.id === id);
    if (!known) throw new UnreadableCipher(`there is no key "${id}" in CONFIG_KEYS`);
    const bytes = Buffer.from(packed, "base64url");
    if (bytes.length < IV_BYTES + TAG_BYTES) throw new UnreadableCipher(`it is cut off (key "${id}")`);
    try {
      const decipher = createDecipheriv("aes-256-gcm", known.key, bytes.subarray(0, IV_BYTES));
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
    } catch {
      throw new UnreadableCipher(`it was changed, or made with another key than "${id}" is here`);
    }
  }
}
