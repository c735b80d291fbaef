import type { ServiceBroker } from "moleculer";
import type { Configuration } from "openid-client";
import { hasType, ShopError, unavailable } from "../../../lib/errors";
import type { Metrics } from "../../../lib/metrics";
import type { Tracer } from "../../../lib/tracing/tracer";
import type { AuthStore } from "../auth.store";
import type { Asking } from "../neighbours";
import type { SignIn } from "../sign-in";
import type { Arriving } from "./arriving";
import { authorizationUrl, type Identity, identify } from "./authorization-code";
import type { ProviderClients } from "./clients";
import type { Browser } from "./cookie";
import { causeOf, isDenial } from "./failure";
import type { Flow, FlowDocument, Secrets } from "./flows";
import type { Provider } from "./providers/provider";
import { Questions } from "./questions";
import { pageUrl, type Told } from "./redirect";

interface Parts {
  store: AuthStore;
  clients: ProviderClients;
  arriving: Arriving;
  proceed: SignIn["proceed"];
  webUrl: string;
  metrics: Metrics;
  tracer: Tracer;
  logger: ServiceBroker["logger"];
}

type FlowPart = Omit<Flow, "provider">;
type Answer = Record<string, string>;

const badCode = () => new ShopError(400, "BAD_TOKEN", "This code is no longer good. Sign in again.");

/** A parameter that comes twice, or as an object, is none that a provider sent. */
const isPlain = (answer: Record<string, unknown>): answer is Answer =>
  Object.values(answer).every((value) => typeof value === "string");

/** Signing in with a provider: going there, coming back, and getting tokens for the code that one came back with. */
export function providerSignIn({ store, clients, arriving, proceed, webUrl, metrics, tracer, logger }: Parts) {
  const { flows, tokens, credentials } = store;
  const questions = new Questions();

  /** What a page is told of it; why is for the log. */
  function failed(provider: Provider, step: string, error: unknown): "ACCESS_DENIED" | "PROVIDER_ERROR" {
    if (isDenial(error)) return "ACCESS_DENIED";
    logger.warn({ provider: provider.id, step, cause: causeOf(error) }, "signing in with a provider failed");
    return "PROVIDER_ERROR";
  }

  /** Throws 503 PROVIDER_ERROR. */
  async function reach(provider: Provider): Promise<Configuration> {
    try {
      return await questions.within(provider, () => clients.of(provider));
    } catch (error) {
      throw unavailable(failed(provider, "start", error), "The provider cannot be reached at the moment; try again.");
    }
  }

  /** The provider's page to go to. Throws 503 PROVIDER_ERROR. */
  async function leave(provider: Provider, flow: FlowPart, browser: Browser): Promise<string> {
    const client = await reach(provider);
    const secrets = await flows.begin({ provider: provider.id, ...flow }, browser);
    return authorizationUrl(provider, client, webUrl, secrets);
  }

  async function identified(provider: Provider, answer: Answer, secrets: Secrets): Promise<Identity | Told> {
    const span = { name: `${provider.id} identify`, service: "auth", kind: "CLIENT", remote: provider.id } as const;
    const ask = async () => identify(provider, await clients.of(provider), webUrl, answer, secrets);
    try {
      return await tracer.run(span, () => questions.within(provider, ask));
    } catch (error) {
      return { error: failed(provider, "callback", error) };
    }
  }

  async function told(
    provider: Provider,
    answer: Answer,
    ended: { flow: FlowDocument; secrets: Secrets },
    asking: Asking,
  ) {
    const identity = await identified(provider, answer, ended.secrets);
    if (!("subject" in identity)) return identity;
    return arriving.arrived(provider, identity, ended.flow, asking).catch((error: unknown): Told => {
      logger.error({ err: error, provider: provider.id }, "whoever came back from a provider could not be let in");
      return { error: "SERVICE_UNAVAILABLE" };
    });
  }

  return {
    leave,

    /** As {@link leave}; where the provider cannot be reached, back to the page, which is told so. */
    async start(provider: Provider, flow: FlowPart, browser: Browser): Promise<string> {
      return leave(provider, flow, browser).catch((error: unknown) => {
        if (!hasType(error, "PROVIDER_ERROR")) throw error;
        metrics.providerSignIns.inc({ provider: provider.id, outcome: "PROVIDER_ERROR" });
        return pageUrl(webUrl, flow.redirect, { error: "PROVIDER_ERROR" });
      });
    },

    /** The page that a browser goes on to, whatever it brings. */
    async comeBack(provider: Provider, given: Record<string, unknown>, browser: Browser | undefined, asking: Asking) {
      const answer = isPlain(given) ? given : {};
      const ended = browser && answer.state ? await flows.end(provider.id, answer.state, browser) : null;
      const outcome: Told = ended ? await told(provider, answer, ended, asking) : { error: "BAD_STATE" };
      metrics.providerSignIns.inc({ provider: provider.id, outcome: outcome.error ?? "ok" });
      return pageUrl(webUrl, ended?.flow.redirect ?? "/", outcome);
    },

    /** Throws 400 BAD_TOKEN for what is no code of this browser; a code that is another's stays good for that. */
    async exchange(code: string, browser: Browser | undefined, asking: Asking) {
      const known = browser && (await tokens.read("sign-in.provider", code));
      if (!known || known.browser !== browser.hash) throw badCode();
      const used = await tokens.use("sign-in.provider", code);
      const credential = used && (await credentials.get(used.userId));
      if (!credential || credential.epoch !== used.epoch) throw badCode();
      return proceed(credential, asking).catch((error: unknown) => {
        throw hasType(error, "BAD_CREDENTIALS") ? badCode() : error;
      });
    },
  };
}

export type ProviderSignIn = ReturnType<typeof providerSignIn>;
