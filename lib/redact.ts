const SECRET_KEY = /pass(word|wd)|secret|token|authorization|cookie|api[-_]?key|^card|cvc|cvv|recovery/i;
const JWT = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+/g;
const BASIC_OR_BEARER = /\b(Basic|Bearer)\s+[\w.~+/=-]{8,}/gi;
const LONG_NUMBER = /\b[1-9](?:[ -]?\d){12,18}\b/g;
const EMAIL = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g;
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

const redactText = (text: string): string =>
  text
    .replace(JWT, HIDDEN)
    .replace(BASIC_OR_BEARER, (_, scheme: string) => `${scheme} ${HIDDEN}`)
    .replace(LONG_NUMBER, (number) => (passesLuhn(number.replace(/\D/g, "")) ? HIDDEN : number));

/** What somebody wrote by hand, without what may name a person: addresses of mail, phones, cards, tokens. */
export const withoutPersonal = (text: string): string => redactText(text).replace(EMAIL, HIDDEN).replace(PHONE, HIDDEN);

/** A copy fit for a log: values under secret names, tokens and card numbers are replaced wherever they stand. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth > MAX_DEPTH) return "[deep]";
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  if (value instanceof Error) {
    const { name, message, stack, cause, ...rest } = value as Error & Record<string, unknown>;
    const described = { name, message, stack, ...rest, ...(cause !== undefined && { cause }) };
    return redact(described, depth);
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, SECRET_KEY.test(key) ? HIDDEN : redact(part, depth + 1)]),
  );
}
