import type { EnvironmentReader } from "./environment-reader";

/** In the order in which people are shown them. */
export const PROVIDER_IDS = ["kakao", "naver", "google", "oidc"] as const;
export type ProviderId = (typeof PROVIDER_IDS)[number];

export interface ProviderClient {
  clientId: string;
  clientSecret: string;
}

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Whether a URL names this machine, between whose processes nobody listens. */
export const isLoopback = (url: string): boolean => LOOPBACK.has(new URL(url).hostname);

/** As it is given: of an issuer a slash at the end is a part. */
function address(read: EnvironmentReader, name: string): string | undefined {
  const url = read.text(name);
  if (url === undefined || read.url(name, ["http", "https"]) === undefined) return undefined;
  if (!URL.canParse(url)) read.refuse(`${name} must be a URL`);
  else if (url.startsWith("http:") && !isLoopback(url)) read.refuse(`${name} may be http:// on this machine only`);
  else return url;
  return undefined;
}

const withoutSlash = (url: string | undefined) => url?.replace(/\/+$/, "");

function client(read: EnvironmentReader, id: ProviderId): ProviderClient | undefined {
  const prefix = `OAUTH_${id.toUpperCase()}`;
  const clientId = read.text(`${prefix}_CLIENT_ID`);
  const clientSecret = read.text(`${prefix}_CLIENT_SECRET`);
  if (clientId && clientSecret) return { clientId, clientSecret };
  if (clientId) read.refuse(`${prefix}_CLIENT_SECRET is not set: ${prefix}_CLIENT_ID needs it`);
  if (clientSecret) read.refuse(`${prefix}_CLIENT_ID is not set: ${prefix}_CLIENT_SECRET needs it`);
  return undefined;
}

/** What signing in with providers is told by the environment; a provider without a client is not offered. */
export function readProviders(read: EnvironmentReader) {
  const oidcIssuer = address(read, "OAUTH_OIDC_ISSUER");
  const clients = {
    kakao: client(read, "kakao"),
    naver: client(read, "naver"),
    google: client(read, "google"),
    oidc: client(read, "oidc"),
  };
  if (clients.oidc && !oidcIssuer && !read.text("OAUTH_OIDC_ISSUER"))
    read.refuse("OAUTH_OIDC_ISSUER is not set: OAUTH_OIDC_CLIENT_ID needs it");
  if (oidcIssuer && !read.text("OAUTH_OIDC_CLIENT_ID") && !read.text("OAUTH_OIDC_CLIENT_SECRET"))
    read.refuse("OAUTH_OIDC_CLIENT_ID is not set: OAUTH_OIDC_ISSUER needs it");
  return {
    clients,
    oidcIssuer: oidcIssuer ?? "",
    /** What people are shown. */
    oidcName: read.text("OAUTH_OIDC_NAME") ?? "OpenID Connect",
    kakaoIssuer: address(read, "OAUTH_KAKAO_ISSUER") ?? "https://kauth.kakao.com",
    googleIssuer: address(read, "OAUTH_GOOGLE_ISSUER") ?? "https://accounts.google.com",
    naverUrl: withoutSlash(address(read, "OAUTH_NAVER_URL")) ?? "https://nid.naver.com",
    naverApiUrl: withoutSlash(address(read, "OAUTH_NAVER_API_URL")) ?? "https://openapi.naver.com",
  };
}
