import type { BreakerLimits } from "./breaker";
import type { BulkheadLimits } from "./bulkhead";
import { type Static, Strict, Type } from "./schema";

/** What applies to the calls of an action. */
export interface Policy {
  /** Milliseconds that a call may take; 0 for no limit. */
  timeout: number;
  /** How often it is asked again where it failed for want of a node; 0 where it is not safe to run twice. */
  retries: number;
  breaker: BreakerLimits;
  bulkhead: BulkheadLimits;
  /** Whether an older answer is given where there is no new one; never where the action does not say that it does. */
  fallback: boolean;
}

/** What an action says of itself. */
export interface OwnPolicy {
  name: string;
  timeout?: number | undefined;
  isRetryable: boolean;
  hasFallback: boolean;
}

const ActionsPattern = Type.String({
  pattern: "^(\\*|[a-z][A-Za-z]*\\.(\\*|[a-z][A-Za-z]*))$",
  description: "one action (`order.place`), those of a service (`order.*`) or all (`*`)",
});

/** Rules of the configuration. Those that name fewer actions go before others, whatever their order. */
export const PolicyRules = Type.Array(
  Strict({
    actions: ActionsPattern,
    timeout: Type.Optional(Type.Integer({ minimum: 50, maximum: 600_000, description: "milliseconds" })),
    retries: Type.Optional(Type.Integer({ minimum: 0, maximum: 10 })),
    breaker: Type.Optional(
      Strict({
        enabled: Type.Optional(Type.Boolean()),
        threshold: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1 })),
        minCalls: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
        windowMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 600_000 })),
        openMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 600_000 })),
      }),
    ),
    bulkhead: Type.Optional(
      Strict({
        concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
        queue: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
      }),
    ),
    fallback: Type.Optional(
      Type.Boolean({ description: "whether an older answer is given where there is no new one" }),
    ),
  }),
  { maxItems: 100 },
);
export type PolicyRules = Static<typeof PolicyRules>;
type Rule = PolicyRules[number];

/** What is said of one action or service, and what of all. */
interface Said {
  general: Rule | undefined;
  particular: Omit<Rule, "actions">;
  layers: Rule[];
}

/**
 * What applies to each action. What the configuration says of an action or a service goes before what the action says of
 * itself, and that before what it says of all (`*`), which stands for the node's defaults.
 */
export class Policies {
  private readonly known = new Map<string, Policy>();
  private readonly found = new Map<string, Said>();

  constructor(
    private readonly rules: () => PolicyRules,
    private readonly defaults: Policy,
  ) {}

  /** The rules are others than before. */
  changed(): void {
    this.known.clear();
    this.found.clear();
  }

  of(action: OwnPolicy): Policy {
    const { name } = action;
    const known = this.known.get(name);
    if (known) return known;
    const { general, particular, layers } = this.saidOf(name);
    const { defaults } = this;
    const policy = {
      timeout: particular.timeout ?? action.timeout ?? general?.timeout ?? defaults.timeout,
      retries: action.isRetryable ? (particular.retries ?? general?.retries ?? defaults.retries) : 0,
      fallback: action.hasFallback && this.allowsFallback(name),
      breaker: Object.assign({}, defaults.breaker, ...layers.map(({ breaker }) => breaker)) as BreakerLimits,
      bulkhead: Object.assign({}, defaults.bulkhead, ...layers.map(({ bulkhead }) => bulkhead)) as BulkheadLimits,
    };
    this.known.set(name, policy);
    return policy;
  }

  /** What applies where nothing is said of the one thing; to events, too. */
  get ofAll(): Policy {
    return this.of({ name: "*", isRetryable: false, hasFallback: false });
  }

  /** A call's options with what the configuration says; a caller that has less time keeps to that. */
  applied<O extends { timeout?: number; retries?: number }>(action: string, options: O): O {
    const { general, particular } = this.saidOf(action);
    const { timeout } = particular;
    const retries = particular.retries ?? general?.retries;
    if (timeout === undefined && retries === undefined) return options;
    return {
      ...options,
      ...(timeout !== undefined && { timeout: Math.min(timeout, options.timeout || timeout) }),
      ...(retries !== undefined && { retries: options.retries ?? retries }),
    };
  }

  allowsFallback(action: string): boolean {
    const { general, particular } = this.saidOf(action);
    return particular.fallback ?? general?.fallback ?? this.defaults.fallback;
  }

  /** Milliseconds, for what says nothing of itself. */
  get defaultTimeout(): number {
    return this.ofAll.timeout;
  }

  private saidOf(action: string): Said {
    const known = this.found.get(action);
    if (known) return known;
    const ofService = `${action.slice(0, action.lastIndexOf("."))}.*`;
    const rules = this.rules();
    const general = rules.findLast(({ actions }) => actions === "*");
    const named = [ofService, action].flatMap((pattern) =>
      pattern === "*" ? [] : (rules.findLast(({ actions }) => actions === pattern) ?? []),
    );
    const said = {
      general,
      particular: Object.assign({}, ...named),
      layers: [...(general ? [general] : []), ...named],
    };
    this.found.set(action, said);
    return said;
  }
}
