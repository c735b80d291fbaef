import type { Environment } from "../../../../lib/environment";
import type { ProviderClient } from "../../../../lib/environment-providers";
import { openIdProfile } from "./openid";
import type { Provider } from "./provider";

/** Source: developers.google.com/identity/openid-connect. */
export const google = (client: ProviderClient, { googleIssuer }: Environment["oauth"]): Provider => ({
  ...client,
  id: "google",
  name: "Google",
  issuer: googleIssuer,
  openId: true,
  scope: "openid email profile",
  profile: openIdProfile,
});
