import { Secret, TOTP } from "otpauth";

/** What every authenticator app understands; RFC 6238 with the defaults of RFC 4226. */
const PARAMETERS = { algorithm: "SHA1", digits: 6, period: 30 };
const SECRET_BYTES = 20;
/** Steps before and after the current one whose codes are taken, for clocks that differ and codes typed late. */
const WINDOW = 1;

/** A new secret: 160 bits, as RFC 4226 recommends. */
export const newTotpSecret = (): Buffer => Buffer.from(new Secret({ size: SECRET_BYTES }).bytes);

const secretOf = (bytes: Buffer) => new Secret({ buffer: Uint8Array.from(bytes).buffer });

/** As it is typed into an app. */
export const inBase32 = (secret: Buffer): string => secretOf(secret).base32;

/** What an app reads from a QR code. */
export const otpauthUrl = (secret: Buffer, { issuer, account }: { issuer: string; account: string }): string =>
  new TOTP({ ...PARAMETERS, secret: secretOf(secret), issuer, label: account }).toString();

/** The code that an app shows at `at` (milliseconds since 1970). */
export const totpCode = (secret: Buffer, at: number): string =>
  TOTP.generate({ ...PARAMETERS, secret: secretOf(secret), timestamp: at });

/** The step of a code that is good at `at`, counted from 1970; null for any other text. */
export function matchingStep(secret: Buffer, code: string, at: number): number | null {
  if (!/^\d{6}$/.test(code)) return null;
  const { period } = PARAMETERS;
  const found = TOTP.validate({ ...PARAMETERS, secret: secretOf(secret), token: code, timestamp: at, window: WINDOW });
  return found === null ? null : TOTP.counter({ period, timestamp: at }) + found;
}
