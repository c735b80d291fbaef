import type { ActionSchema, Middleware } from "moleculer";
import type { Access, ActionDefinition, ShopContext } from "../lib/actions";
import type { TSchema } from "../lib/schema";

/** A declared action as the broker and, over discovery, the gateway see it. */
export type DeclaredAction = ActionSchema & {
  rest?: string | string[];
  access?: Access;
  idempotency?: "optional" | "required";
  status?: number;
  answersAgain?: boolean;
  summary?: string;
  rawBody?: boolean;
  timeout?: number;
  conditional?: boolean;
  browser?: boolean;
  enrolling?: boolean;
  stale?: boolean;
  limit?: ActionDefinition<TSchema, TSchema>["limit"];
  returns?: object;
  errors?: [status: number, code: string][];
};

export type Next = (ctx: ShopContext) => Promise<unknown>;

/** A middleware around local actions, with our context type; Moleculer's own leaves `this` and the context open. */
export function localAction(name: string, wrap: (next: Next, action: DeclaredAction) => Next): Middleware {
  return {
    name,
    localAction: ((next: unknown, action: DeclaredAction) => wrap(next as Next, action)) as unknown as NonNullable<
      Middleware["localAction"]
    >,
  };
}
