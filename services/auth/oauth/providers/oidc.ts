import type { Environment } from "../../../../lib/environment";
import type { ProviderClient } from "../../../../lib/environment-providers";
import { openIdProfile } from "./openid";
import type { Provider } from "./provider";

/** Any OpenID provider, by its issuer. */
export const oidc = (client: ProviderClient, { oidcIssuer, oidcName }: Environment["oauth"]): Provider => ({
  ...client,
  id: "oidc",
  name: oidcName,
  issuer: oidcIssuer,
  openId: true,
  scope: "openid email profile",
  profile: openIdProfile,
});
