import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/**
 * What is stored so that whoever reads the store alone learns nothing: AES-256-GCM; nonce, tag and ciphertext in
 * base64url with dots between. What is sealed for something (`owner`) opens for nothing else.
 */
export function seal(plain: Buffer, key: Uint8Array, owner = ""): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(owner));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return [nonce, cipher.getAuthTag(), sealed].map((part) => part.toString("base64url")).join(".");
}

/** Undefined where the text was sealed with another key, or for another owner. */
export function unseal(text: string, key: Uint8Array, owner = ""): Buffer | undefined {
  const [nonce, tag, sealed] = text.split(".").map((part) => Buffer.from(part, "base64url"));
  if (!nonce || !tag || !sealed) return undefined;
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 }).setAAD(Buffer.from(owner));
    decipher.setAuthTag(tag);
    return Buffer.concat([decipher.update(sealed), decipher.final()]);
  } catch {
    return undefined;
  }
}
