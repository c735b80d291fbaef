import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

/** A key of 256 bits for one purpose alone (HKDF, RFC 5869): what is known of it says nothing of another purpose's. */
export const derivedKey = (keySecret: string, purpose: string): Uint8Array =>
  new Uint8Array(hkdfSync("sha256", keySecret, "", `shop ${purpose}`, 32));

/** Message authentication codes (HMAC-SHA-256) for one purpose. */
export class Mac {
  private readonly key: Uint8Array;

  constructor(keySecret: string, purpose: string) {
    this.key = derivedKey(keySecret, purpose);
  }

  of(text: string): string {
    return createHmac("sha256", this.key).update(text).digest("base64url");
  }

  /** Takes as long for any code of the right length. */
  matches(text: string, given: string): boolean {
    const [right, other] = [Buffer.from(this.of(text)), Buffer.from(given)];
    return right.length === other.length && timingSafeEqual(right, other);
  }
}
