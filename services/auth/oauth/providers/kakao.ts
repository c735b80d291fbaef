import type { Environment } from "../../../../lib/environment";
import type { ProviderClient } from "../../../../lib/environment-providers";
import { openIdProfile } from "./openid";
import type { Provider } from "./provider";

/**
 * By its OpenID Connect, which has to be switched on for the app; scopes are the ids of its consent items. The id token
 * has the address, `userinfo` whether it is verified. Source: developers.kakao.com/docs/latest/ko/kakaologin/rest-api.
 */
export const kakao = (client: ProviderClient, { kakaoIssuer }: Environment["oauth"]): Provider => ({
  ...client,
  id: "kakao",
  name: "Kakao",
  issuer: kakaoIssuer,
  openId: true,
  scope: "openid account_email profile_nickname",
  profile: openIdProfile,
});
