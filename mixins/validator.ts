import Ajv, { type ErrorObject } from "ajv";
import addFormats from "ajv-formats";
import { type Middleware, Validators } from "moleculer";
import { isCountry } from "../lib/countries";
import { type FieldError, invalid } from "../lib/errors";
import { localAction } from "./middleware";

const ajv = addFormats(new Ajv({ allErrors: true, useDefaults: true, strict: false, validateFormats: true })).addFormat(
  "iso-3166-alpha-2",
  isCountry,
);

function toFieldError({ instancePath, keyword, params, message = "is not valid" }: ErrorObject): FieldError {
  const parent = instancePath.slice(1).replaceAll("/", ".");
  const child: unknown = params.additionalProperty ?? params.missingProperty;
  const path = typeof child === "string" ? [parent, child].filter(Boolean).join(".") : parent;
  if (keyword === "additionalProperties") return { path, message: "is not a known field" };
  if (keyword === "required") return { path, message: "is required" };
  if (keyword === "enum") return { path, message: `must be one of ${(params.allowedValues as unknown[]).join(", ")}` };
  if (keyword === "pattern") return { path, message: "has characters or a form that is not accepted here" };
  return { path, message };
}

/** Validates params by their JSON Schema, which is also what discovery carries and the OpenAPI document shows. */
export class JsonSchemaValidator extends Validators.Base {
  override compile(schema: object) {
    const check = ajv.compile(schema);
    return (params: unknown): true => {
      if (check(params)) return true;
      throw invalid((check.errors ?? []).slice(0, 20).map(toFieldError));
    };
  }

  override validate(params: object, schema: object): boolean {
    return this.compile(schema)(params);
  }

  override convertSchemaToMoleculer(): Record<string, never> {
    return {};
  }

  override middleware(): Middleware {
    return localAction("Validator", (next, action) => {
      if (!action.params) return next;
      const check = this.compile(action.params);
      return async (ctx) => {
        // Defaults are filled into a copy: the object may be the caller's own.
        ctx.params = { ...(ctx.params as object | null) };
        check(ctx.params);
        return next(ctx);
      };
    });
  }
}
