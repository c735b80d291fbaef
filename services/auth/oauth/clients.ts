import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  type CustomFetch,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  type ServerMetadata,
} from "openid-client";
import { isLoopback } from "../../../lib/environment-providers";
import { type Provider, ProviderFailure } from "./providers/provider";

/** Milliseconds for which what was discovered is taken as it is. */
const FRESH_MS = 3_600_000;
/** Milliseconds for which a provider that did not answer is not asked again. */
const FAILED_MS = 5000;
/** Seconds for one question. */
const DISCOVERY_S = 3;
const REQUEST_S = 8;

interface Known {
  client?: Configuration;
  foundAt: number;
  failure?: { at: number; error: unknown };
  looking?: Promise<Configuration>;
}

/** Where people and secrets may be sent: over TLS, or on this machine to a provider that is on it. */
function isUsable(endpoint: string, { issuer }: Provider): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { protocol } = new URL(endpoint);
  return protocol === "https:" || (protocol === "http:" && issuer.startsWith("http:") && isLoopback(endpoint));
}

const isInsecure = ({ issuer }: Provider): boolean => issuer.startsWith("http:");

/** RFC 6749 wants every server to know Basic; some say that they know another way only. */
const authenticationAt = (server: ServerMetadata, { clientSecret }: Provider) => {
  const methods = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  return methods.includes("client_secret_basic") ? ClientSecretBasic(clientSecret) : ClientSecretPost(clientSecret);
};

/**
 * What is known of each provider's endpoints and keys. Of several who want it at once one looks; where looking fails, what
 * was known before goes on being used, and nobody waits for the same failure again for some seconds.
 */
export class ProviderClients {
  private readonly known = new Map<string, Known>();

  constructor(private readonly ask: CustomFetch) {}

  /** Rejects where the provider cannot be reached and nothing is known of it yet. */
  async of(provider: Provider): Promise<Configuration> {
    const known = this.known.get(provider.id) ?? { foundAt: 0 };
    this.known.set(provider.id, known);
    const { client, foundAt, failure } = known;
    if (client && Date.now() - foundAt < FRESH_MS) return client;
    if (failure && Date.now() - failure.at < FAILED_MS) {
      if (client) return client;
      throw failure.error;
    }
    known.looking ??= this.look(provider, known).finally(() => {
      known.looking = undefined;
    });
    return known.looking;
  }

  private async look(provider: Provider, known: Known): Promise<Configuration> {
    try {
      known.client = this.made(provider, await this.metadata(provider));
      known.foundAt = Date.now();
      known.failure = undefined;
      return known.client;
    } catch (error) {
      known.failure = { at: Date.now(), error };
      if (known.client) return known.client;
      throw error;
    }
  }

  private async metadata(provider: Provider): Promise<ServerMetadata> {
    const { issuer, clientId, endpoints } = provider;
    if (endpoints) return { issuer, ...endpoints, token_endpoint_auth_methods_supported: ["client_secret_post"] };
    const found = await discovery(new URL(issuer), clientId, undefined, undefined, {
      [customFetch]: this.ask,
      timeout: DISCOVERY_S,
      execute: isInsecure(provider) ? [allowInsecureRequests] : [],
    });
    const server = found.serverMetadata();
    const needed = [server.authorization_endpoint, server.token_endpoint, server.jwks_uri];
    if (needed.some((endpoint) => !endpoint)) throw new ProviderFailure("what it says of itself lacks an endpoint");
    const named = [...needed, server.userinfo_endpoint].filter((endpoint) => endpoint !== undefined);
    if (!named.every((endpoint) => isUsable(endpoint, provider)))
      throw new ProviderFailure("what it says of itself leads elsewhere than to https");
    return server;
  }

  private made(provider: Provider, server: ServerMetadata): Configuration {
    const client = new Configuration(server, provider.clientId, undefined, authenticationAt(server, provider));
    client[customFetch] = this.ask;
    client.timeout = REQUEST_S;
    if (isInsecure(provider)) allowInsecureRequests(client);
    // The token comes over TLS from its issuer, which the standard lets suffice; a signature does not cost much.
    if (provider.openId) enableNonRepudiationChecks(client);
    return client;
  }
}
