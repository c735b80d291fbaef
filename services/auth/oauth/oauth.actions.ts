import type { ActionSchema } from "moleculer";
import { action, type Meta } from "../../../lib/actions";
import { Nothing } from "../../../lib/schema";
import { NoParams, Tokens } from "../auth.schema";
import type { AuthStore } from "../auth.store";
import type { FollowingUp } from "../follow-up";
import type { Browser, BrowserCookies } from "./cookie";
import { linkActions } from "./link.actions";
import * as schema from "./oauth.schema";
import type { ProviderSignIn } from "./provider-sign-in";
import type { Providers } from "./providers/providers";
import { TIMEOUT_MS } from "./questions";
import { requirePath } from "./redirect";

export interface Parts {
  store: AuthStore;
  providers: Providers;
  cookies: BrowserCookies;
  signIn: ProviderSignIn;
  soon: FollowingUp["soon"];
  webUrl: string;
}

function goOn(meta: Meta, location: string): null {
  meta.$statusCode = 302;
  meta.$location = location;
  return null;
}

/** What a browser does with providers, be it to sign in or to link one. */
export function oauthActions(parts: Parts): Record<string, ActionSchema> {
  const { providers, cookies, signIn, webUrl } = parts;

  /** The browser that asks, which has its cookie from now on for another ten minutes. */
  function known(meta: Meta): Browser {
    const browser = cookies.read(meta.cookies) ?? cookies.fresh();
    meta.$responseHeaders = { ...meta.$responseHeaders, "Set-Cookie": cookies.header(browser) };
    return browser;
  }

  return {
    providers: action({
      rest: "GET /auth/providers",
      access: "anyone",
      summary: "The providers that one can sign in with",
      params: NoParams,
      returns: schema.Providers,
      retryable: true,
      handler: () => ({ items: providers.all.map(({ id, name }) => ({ id, name })) }),
    }),

    signInWith: action({
      rest: "GET /auth/oauth/:provider",
      access: "anyone",
      browser: true,
      summary: "Sends a browser to a provider to sign in, and from there back to `redirect`",
      params: schema.Start,
      returns: Nothing,
      status: 302,
      timeout: TIMEOUT_MS,
      errors: [[404, "PROVIDER_NOT_FOUND"]],
      async handler({ params, meta }) {
        const provider = providers.find(params.provider);
        const redirect = requirePath(params.redirect, webUrl);
        return goOn(meta, await signIn.start(provider, { redirect }, known(meta)));
      },
    }),

    comeBack: action({
      rest: "GET /auth/oauth/:provider/callback",
      access: "anyone",
      browser: true,
      summary:
        "Takes a browser back from a provider: to its page with `code`, once and for 60 s, or `linked`, or `error`",
      params: schema.Callback,
      returns: Nothing,
      status: 302,
      timeout: TIMEOUT_MS,
      errors: [[404, "PROVIDER_NOT_FOUND"]],
      async handler(ctx) {
        const { provider, ...answer } = ctx.params;
        const browser = cookies.read(ctx.meta.cookies);
        const page = await signIn.comeBack(providers.find(provider), answer, browser, ctx);
        // It is still asked for when the code is exchanged.
        if (browser) known(ctx.meta);
        return goOn(ctx.meta, page);
      },
    }),

    exchange: action({
      rest: "POST /auth/oauth/exchange",
      access: "anyone",
      browser: true,
      summary: "Tokens for the code that this browser came back with",
      params: schema.Exchange,
      returns: Tokens,
      errors: [
        [400, "BAD_TOKEN"],
        [401, "MFA_REQUIRED"],
        [403, "ACCOUNT_LOCKED"],
      ],
      handler: (ctx) => signIn.exchange(ctx.params.code, cookies.read(ctx.meta.cookies), ctx),
    }),

    ...linkActions(parts, known),
  };
}
