import type { AuthorizationServer } from "oauth4webapi";
import type { Configuration, TokenEndpointResponse, TokenEndpointResponseHelpers } from "openid-client";
import type { ProviderClient, ProviderId } from "../../../../lib/environment-providers";

export type Tokens = TokenEndpointResponse & TokenEndpointResponseHelpers;

/** Whom a provider says that it has before it. */
export interface Profile {
  /** Unique at this provider and never given to somebody else. */
  subject: string;
  email?: string;
  /** The provider has seen that the address is theirs; where false or unknown, it is not believed. */
  emailVerified: boolean;
  name?: string;
}

/** A place where people have accounts, as data: what one does differently from another. */
export interface Provider extends ProviderClient {
  readonly id: ProviderId;
  /** As people know it. */
  readonly name: string;
  readonly issuer: string;
  /** OpenID Connect: its endpoints are discovered, and who somebody is comes in a signed token with our nonce. */
  readonly openId: boolean;
  /** Of a provider without discovery. */
  readonly endpoints?: Pick<AuthorizationServer, "authorization_endpoint" | "token_endpoint">;
  readonly scope?: string;
  /** Parameters of the token request that are not in the standard. */
  readonly tokenParameters?: (state: string) => Record<string, string>;
  /** Throws where what the provider says cannot be used. */
  readonly profile: (client: Configuration, tokens: Tokens) => Promise<Profile>;
}

/** A provider's answer that cannot be used. The message is for the log: nothing that was answered stands in it. */
export class ProviderFailure extends Error {
  override readonly name = "ProviderFailure";
}

/** What a provider says of somebody, where it is text and says something. */
export const textOf = (claim: unknown): string | undefined =>
  typeof claim === "string" && claim !== "" ? claim : undefined;
