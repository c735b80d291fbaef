import { type Configuration, fetchUserInfo } from "openid-client";
import { type Profile, ProviderFailure, type Tokens, textOf } from "./provider";

/**
 * OpenID Connect's standard claims as a profile, pure. Address and whether it is verified are of one source: what one
 * token says of an address is not believed of another's.
 */
export function toProfile(subject: string, claims: Record<string, unknown>): Profile {
  return {
    subject,
    email: textOf(claims.email),
    emailVerified: claims.email_verified === true,
    name: textOf(claims.name) ?? textOf(claims.nickname) ?? textOf(claims.preferred_username),
  };
}

/** Whose account it is by the id token, and where that does not tell the address, by what `userinfo` says of the same subject. */
export async function openIdProfile(client: Configuration, tokens: Tokens): Promise<Profile> {
  const claims = tokens.claims();
  if (!claims) throw new ProviderFailure("there is no id token");
  const told = toProfile(claims.sub, claims);
  const isComplete = told.email !== undefined && claims.email_verified !== undefined;
  if (isComplete || !client.serverMetadata().userinfo_endpoint) return told;
  const asked = toProfile(claims.sub, await fetchUserInfo(client, tokens.access_token, claims.sub));
  return { ...asked, name: asked.name ?? told.name };
}
