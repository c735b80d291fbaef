import type { ActionSchema } from "moleculer";
import { action, callerOf, type Meta } from "../../../lib/actions";
import { PROVIDER_IDS } from "../../../lib/environment-providers";
import { conflict, notFound } from "../../../lib/errors";
import { Nothing } from "../../../lib/schema";
import { NoParams } from "../auth.schema";
import { newMail } from "../mails";
import type { Browser } from "./cookie";
import { linksOf } from "./links";
import type { Parts } from "./oauth.actions";
import * as schema from "./oauth.schema";
import { TIMEOUT_MS } from "./questions";
import { requirePath } from "./redirect";

const linkNotFound = () => notFound("LINK_NOT_FOUND", "This provider is not linked.");

/** What one does with the providers that one's own account is linked with. */
export function linkActions(
  { store: { credentials, links }, providers, signIn, soon, webUrl }: Parts,
  known: (meta: Meta) => Browser,
): Record<string, ActionSchema> {
  return {
    links: action({
      rest: "GET /auth/links",
      access: "signed-in",
      summary: "The providers that one's account is linked with",
      params: NoParams,
      returns: schema.Links,
      async handler(ctx) {
        const { links: held = {} } = (await credentials.get(callerOf(ctx).id)) ?? {};
        return { items: linksOf(held) };
      },
    }),

    link: action({
      rest: "POST /auth/links/:provider",
      access: "signed-in",
      browser: true,
      summary: "Where this browser goes to link a provider; it comes back to `redirect` with `linked`",
      params: schema.Start,
      returns: schema.LinkUrl,
      timeout: TIMEOUT_MS,
      errors: [
        [404, "PROVIDER_NOT_FOUND"],
        [409, "ALREADY_LINKED"],
        [503, "PROVIDER_ERROR"],
      ],
      async handler(ctx) {
        const { id: userId, sid } = callerOf(ctx);
        const provider = providers.find(ctx.params.provider);
        const redirect = requirePath(ctx.params.redirect, webUrl);
        const held = await credentials.get(userId);
        if (held?.links?.[provider.id]) throw conflict("ALREADY_LINKED", "This provider is linked already.");
        return { url: await signIn.leave(provider, { redirect, link: { userId, sid } }, known(ctx.meta)) };
      },
    }),

    unlink: action({
      rest: "DELETE /auth/links/:provider",
      access: "signed-in",
      summary: "Takes a provider away, unless nothing else is left to sign in with",
      params: schema.OfProvider,
      returns: Nothing,
      status: 204,
      errors: [
        [404, "LINK_NOT_FOUND"],
        [409, "LAST_CREDENTIAL"],
      ],
      async handler(ctx) {
        const { id: userId } = callerOf(ctx);
        const provider = PROVIDER_IDS.find((id) => id === ctx.params.provider);
        if (!provider) throw linkNotFound();
        const mail = newMail("provider.unlinked", ctx.meta, { provider: providers.nameOf(provider) });
        const unlinked = await links.remove(userId, provider, providers.ids, mail);
        if (unlinked) {
          await soon(unlinked);
          return null;
        }
        const held = await credentials.get(userId);
        if (!held?.links?.[provider]) throw linkNotFound();
        throw conflict("LAST_CREDENTIAL", "Set a password or link another provider first.");
      },
    }),
  };
}
