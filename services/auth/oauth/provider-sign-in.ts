import type { ServiceBroker } from "moleculer";
import { hasType, ShopError, unavailable } from "../../../lib/errors";
import type { Metrics } from "../../../lib/metrics";
import type { AuthStore } from "../auth.store";
import type { Asking, SignIn } from "../sign-in";
import type { Arriving } from "./arriving";
import { inTime } from "./asking";
import type { ProviderClients } from "./clients";
import type { Browser, BrowserCookies } from "./cookie";
import { causeOf, isDenial } from "./failure";
import { authorizationUrl, identify } from "./flow";
import type { Flow } from "./flows";
import type { Profile, Provider } from "./provider";
import { pageUrl } from "./redirect";

interface Parts {
  store: AuthStore;
  clients: ProviderClients;
  cookies: BrowserCookies;
  arriving: Arriving;
  proceed: SignIn["proceed"];
  webUrl: string;
  metrics: Metrics;
  logger: ServiceBroker["logger"];
}

type FlowPart = Omit<Flow, "provider">;
type Answer = Record<string, unknown>;

const badCode = () => new ShopError(400, "BAD_TOKEN", "This code is no longer good. Sign in again.");

/** A parameter that comes twice, or as an object, is none that a provider sent. */
const isPlain = (answer: Answer): answer is Record<string, string> =>
  Object.values(answer).every((value) => typeof value === "string");

/** Signing in with a provider: going there, coming back, and getting tokens for the code that one came back with. */
export function providerSignIn({ store, clients, cookies, arriving, proceed, webUrl, metrics, logger }: Parts) {
  const { flows, tokens, credentials } = store;

  /** Says in the log why, and to everybody else only that. */
  function failed(provider: Provider, step: string, error: unknown): "ACCESS_DENIED" | "PROVIDER_ERROR" {
    if (isDenial(error)) return "ACCESS_DENIED";
    logger.warn({ provider: provider.id, step, cause: causeOf(error) }, "signing in with a provider failed");
    return "PROVIDER_ERROR";
  }

  async function go(provider: Provider, flow: FlowPart, browser: Browser): Promise<string> {
    await clients.of(provider);
    const secrets = await flows.begin({ provider: provider.id, ...flow }, browser);
    return authorizationUrl(provider, clients, webUrl, secrets);
  }

  async function comeBack(provider: Provider, answer: Answer, browser: Browser | undefined, asking: Asking) {
    const ended =
      browser && isPlain(answer) && answer.state ? await flows.end(provider.id, answer.state, browser) : null;
    if (!ended || !isPlain(answer)) return { path: "/", told: { error: "BAD_STATE" } };
    const { flow, secrets } = ended;
    let profile: Profile;
    try {
      profile = await inTime(() => identify(provider, clients, webUrl, answer, secrets));
    } catch (error) {
      return { path: flow.redirect, told: { error: failed(provider, "callback", error) } };
    }
    return { path: flow.redirect, told: await arriving.arrived(provider, profile, flow, asking) };
  }

  return {
    /** Where a browser goes on: to the provider, or back to the page where that cannot be reached. */
    async start(provider: Provider, flow: FlowPart, browser: Browser): Promise<string> {
      try {
        return await inTime(() => go(provider, flow, browser));
      } catch (error) {
        return pageUrl(webUrl, flow.redirect, { error: failed(provider, "start", error) });
      }
    },

    /** The provider's page to go to. Throws 503 PROVIDER_ERROR. */
    async linkUrl(provider: Provider, flow: FlowPart, browser: Browser): Promise<string> {
      try {
        return await inTime(() => go(provider, flow, browser));
      } catch (error) {
        failed(provider, "start", error);
        throw unavailable("PROVIDER_ERROR", "The provider cannot be reached at the moment; try again.");
      }
    },

    /** The page that a browser goes on to, whatever it brings. */
    async callback(provider: Provider, answer: Answer, cookie: string | undefined, asking: Asking): Promise<string> {
      const { path, told } = await comeBack(provider, answer, cookies.read(cookie), asking);
      const outcome = "error" in told ? told.error : "ok";
      metrics.providerSignIns.inc({ provider: provider.id, outcome });
      return pageUrl(webUrl, path, told);
    },

    /** Throws 400 BAD_TOKEN for what is no code of this browser, after which one that is somebody's is as good as before. */
    async exchange(code: string, cookie: string | undefined, asking: Asking) {
      const browser = cookies.read(cookie);
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
