import { Ajv, type ErrorObject } from "ajv";
import addFormats from "ajv-formats";
import { LRUCache } from "lru-cache";

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const ajv = addFormats.default(new Ajv({ allErrors: true, strict: false })).addFormat("time-zone", isTimeZone);
type Check = (value: unknown) => string | undefined;
const checks = new LRUCache<string, Check>({ max: 1000 });

function compile(schema: object): Check {
  const fits = ajv.compile(schema);
  return (value) => {
    if (fits(value)) return undefined;
    const told = ((fits.errors ?? []) as ErrorObject[]).map(({ instancePath, message, params }) => {
      const allowed = Array.isArray(params.allowedValues) ? `: ${params.allowedValues.join(", ")}` : "";
      return `${instancePath.slice(1).replaceAll("/", ".")} ${message}${allowed}`.trim();
    });
    return [...new Set(told)].join("; ");
  };
}

/** Why a value does not fit a key's schema, without the value; undefined where it does. */
export function problemOf(schema: object, value: unknown): string | undefined {
  const text = JSON.stringify(schema);
  const check = checks.get(text) ?? compile(JSON.parse(text) as object);
  checks.set(text, check);
  return check(value);
}
