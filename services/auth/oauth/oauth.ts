import type { ServiceBroker } from "moleculer";
import { nodeOf } from "../../../lib/node";
import type { AuthStore } from "../auth.store";
import type { FollowingUp } from "../follow-up";
import type { SignIn } from "../sign-in";
import { arriving } from "./arriving";
import { ProviderClients } from "./clients";
import { BrowserCookies } from "./cookie";
import { oauthActions } from "./oauth.actions";
import { providerSignIn } from "./provider-sign-in";
import { Providers } from "./providers/providers";
import { providerFetch } from "./questions";

interface Parts extends Pick<SignIn, "complete" | "proceed"> {
  broker: ServiceBroker;
  store: AuthStore;
  soon: FollowingUp["soon"];
  /** Whether accounts are made at the moment. */
  registering: () => boolean;
}

/** Signing in with providers, put together. */
export function withProviders({ broker, store, complete, proceed, soon, registering }: Parts) {
  const { environment, metrics, tracer } = nodeOf(broker);
  const { oauth, jwt, webUrl } = environment;
  const { ask, close } = providerFetch();
  const providers = new Providers(oauth);
  const cookies = new BrowserCookies(jwt.keySecret, webUrl);
  const signIn = providerSignIn({
    store,
    clients: new ProviderClients(ask),
    arriving: arriving({ store, complete, soon, registering }),
    proceed,
    webUrl,
    metrics,
    tracer,
    logger: broker.getLogger("auth"),
  });
  return { actions: oauthActions({ store, providers, cookies, signIn, soon, webUrl }), close };
}
