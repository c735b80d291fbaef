import { PROVIDER_IDS } from "../../../lib/environment-providers";
import { ItemsOf, OneOf, Strict, Timestamp, Type } from "../../../lib/schema";

const Provider = OneOf(...PROVIDER_IDS);
/** Any text: one that is no provider is not found. */
const ProviderParam = Type.String({ minLength: 1, maxLength: 32 });
const Redirect = Type.String({
  maxLength: 4096,
  description: "a path of this site to come back to; `/` where not given",
});
/** Whatever came: a browser that is sent back is answered with a page, not with a problem. */
const Given = Type.Optional(Type.Unknown());

export const Providers = ItemsOf(Type.Object({ id: Provider, name: Type.String() }));
export const Start = Strict({ provider: ProviderParam, redirect: Type.Optional(Redirect) });
/** Providers send parameters of their own. */
export const Callback = Type.Object(
  { provider: ProviderParam, code: Given, state: Given, iss: Given, error: Given, error_description: Given },
  { additionalProperties: true },
);
export const Exchange = Strict({ code: Type.String({ minLength: 1, maxLength: 512 }) });
export const OfProvider = Strict({ provider: ProviderParam });
export const Links = ItemsOf(Type.Object({ provider: Provider, linkedAt: Timestamp }));
export const LinkUrl = Type.Object({ url: Type.String({ description: "the provider's page to go to" }) });
