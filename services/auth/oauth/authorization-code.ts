import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
} from "openid-client";
import type { Secrets } from "./flows";
import { type Profile, type Provider, ProviderFailure } from "./providers/provider";

/** OpenID Connect Core, 2: `sub`. */
const MAX_SUBJECT = 255;

/** Where a provider sends people back to; it has this very text in its settings. */
const callbackUrl = (webUrl: string, { id }: Pick<Provider, "id">): URL =>
  new URL(`${webUrl}/api/v1/auth/oauth/${id}/callback`);

/** The provider's page to go to, for an answer that only whoever has the secrets can use. */
export async function authorizationUrl(
  provider: Provider,
  client: Configuration,
  webUrl: string,
  { state, nonce, verifier }: Secrets,
): Promise<string> {
  const url = buildAuthorizationUrl(client, {
    redirect_uri: callbackUrl(webUrl, provider).href,
    response_type: "code",
    ...(provider.scope !== undefined && { scope: provider.scope }),
    state,
    ...(provider.openId && { nonce }),
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  });
  return url.href;
}

/** Whom a provider has before it. */
export interface Identity {
  profile: Profile;
  /** The issuer and its id of the person, so that another issuer's ids never mean the same. */
  subject: string;
}

/**
 * Whom a provider has before it, by the parameters that it sent the browser back with. Its tokens end here. Rejects where
 * it refused, or where state, issuer, nonce or signature are not right.
 */
export async function identify(
  provider: Provider,
  client: Configuration,
  webUrl: string,
  answer: Record<string, string>,
  { state, nonce, verifier }: Secrets,
): Promise<Identity> {
  const url = callbackUrl(webUrl, provider);
  for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value);
  const openIdChecks = { expectedNonce: nonce, idTokenExpected: true };
  const checks = { pkceCodeVerifier: verifier, expectedState: state, ...(provider.openId && openIdChecks) };
  const tokens = await authorizationCodeGrant(client, url, checks, provider.tokenParameters?.(state));
  const profile = await provider.profile(client, tokens);
  const { length } = profile.subject;
  if (length === 0 || length > MAX_SUBJECT) throw new ProviderFailure("the subject cannot be used");
  return { profile, subject: `${client.serverMetadata().issuer} ${profile.subject}` };
}
