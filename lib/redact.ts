const SECRET = "pass(?:word|wd)|secret|token|authorization|cookie|api[-_]?key|cvc|cvv|recovery";
/** Whose it is, and where they live. */
const PERSONAL = "e-?mail|phone|recipient|postal-?code|shipping-?address|addresses";
const HIDDEN_KEY = new RegExp(`${SECRET}|${PERSONAL}|^card|^line[12]$`, "i");
/** Of an error it is a network's, such as `127.0.0.1`. */
const ADDRESS_KEY = /^address$/i;
/** `"password":"..."` and `password: '...'`, as texts of errors quote what they were given. */
const QUOTED = /(?<![\w-])(["']?)([\w-]{1,64})\1(\s{0,4}[:=]\s{0,4})(["'])((?:\\.|(?!\4)[^\\])*)(?:\4|$)/g;
const JWT = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+/g;
const BASIC_OR_BEARER = /\b(Basic|Bearer)\s+[\w.~+/=-]{8,}/gi;
/** `scheme://user:password@host`. */
const CREDENTIALS = /(?<=:\/\/)[^\s/@"']+@/g;
/** An id is taken whole, so that no part of it that has digits only is taken for a card's number. */
const ID_OR_LONG_NUMBER = /\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|\b([1-9](?:[ -]?\d){12,18})\b/gi;
const EMAIL = /(?<![\w.+-])[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+/g;
const PHONE = /(?<![\w-])(?:\+?\d{1,3}[ -])?0?\d{1,3}[ -]\d{3,4}[ -]\d{4}(?![\w-])/g;
const MAX_DEPTH = 6;
const HIDDEN = "[redacted]";

function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** A text without what may name a person or is a secret by its form: addresses of mail, phones, cards, tokens. */
export const withoutPersonal = (text: string): string =>
  text
    .replace(JWT, HIDDEN)
    .replace(BASIC_OR_BEARER, (_, scheme: string) => `${scheme} ${HIDDEN}`)
    .replace(ID_OR_LONG_NUMBER, (found, number?: string) =>
      number && passesLuhn(number.replace(/\D/g, "")) ? HIDDEN : found,
    )
    .replace(EMAIL, HIDDEN)
    .replace(PHONE, HIDDEN);

const redactText = (text: string): string =>
  withoutPersonal(
    text
      .replace(QUOTED, (all, quote: string, key: string, between: string, open: string) =>
        HIDDEN_KEY.test(key) ? `${quote}${key}${quote}${between}${open}${HIDDEN}${open}` : all,
      )
      .replace(CREDENTIALS, `${HIDDEN}@`),
  );

const isHidden = (key: string, value: unknown): boolean =>
  HIDDEN_KEY.test(key) || (ADDRESS_KEY.test(key) && typeof value === "object");

/** A copy fit for a log: whatever is secret or personal is replaced, by its name or its form, wherever it stands. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth > MAX_DEPTH) return "[deep]";
  if (value instanceof Date) return value;
  if (ArrayBuffer.isView(value)) return "[bytes]";
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  if (value instanceof Error) {
    const { name, message, stack, cause, ...rest } = value as Error & Record<string, unknown>;
    const described = { name, message, stack, ...rest, ...(cause !== undefined && { cause }) };
    return redact(described, depth);
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, isHidden(key, part) ? HIDDEN : redact(part, depth + 1)]),
  );
}
