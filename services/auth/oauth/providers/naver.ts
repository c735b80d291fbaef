import { type Configuration, fetchProtectedResource } from "openid-client";
import type { Environment } from "../../../../lib/environment";
import type { ProviderClient } from "../../../../lib/environment-providers";
import { type Profile, type Provider, ProviderFailure, textOf } from "./provider";

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/**
 * The profile call's answer, `{resultcode: "00", response: {id, email, name, nickname}}`, as a profile, pure. Nothing
 * says that the address is verified, and members may put in one of their own.
 */
export function toProfile(answer: unknown): Profile {
  if (!isObject(answer) || answer.resultcode !== "00") throw new ProviderFailure("the profile call was refused");
  const { id, email, name, nickname } = isObject(answer.response) ? answer.response : {};
  const subject = textOf(id);
  if (!subject) throw new ProviderFailure("the profile has no id");
  return { subject, email: textOf(email), emailVerified: false, name: textOf(name) ?? textOf(nickname) };
}

async function askProfile(url: URL, client: Configuration, accessToken: string): Promise<Profile> {
  const answer = await fetchProtectedResource(client, accessToken, url, "GET");
  if (answer.status !== 200) throw new ProviderFailure(`the profile call was answered with ${answer.status}`);
  const body: unknown = await answer.json();
  return toProfile(body);
}

/**
 * Plain OAuth 2.0: no discovery, no id token, no scopes; the token request wants the state once more, and says what is
 * wrong with status 200 and no token. Source: developers.naver.com/docs/login/api.
 */
export const naver = (client: ProviderClient, { naverUrl, naverApiUrl }: Environment["oauth"]): Provider => ({
  ...client,
  id: "naver",
  name: "Naver",
  issuer: naverUrl,
  openId: false,
  endpoints: {
    authorization_endpoint: `${naverUrl}/oauth2.0/authorize`,
    token_endpoint: `${naverUrl}/oauth2.0/token`,
  },
  tokenParameters: (state) => ({ state }),
  profile: (configuration, { access_token }) =>
    askProfile(new URL(`${naverApiUrl}/v1/nid/me`), configuration, access_token),
});
