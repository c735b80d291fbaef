import type { ConnectionOptions } from "nats";

interface NatsServers extends Pick<ConnectionOptions, "tls" | "authenticator"> {
  servers: string[];
}

function partsOf(address: string) {
  try {
    const { protocol, hostname, port, username, password } = new URL(address);
    const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
    if (!["nats:", "tls:"].includes(protocol) || hostname === "" || (pass && !user)) throw new Error();
    return { tls: protocol === "tls:", server: `${hostname}:${port || 4222}`, user, pass };
  } catch {
    // What the parser says quotes the address, and with it the password.
    throw new Error("must be nats://[user:password@]host:port or tls://..., several with commas between them");
  }
}

/**
 * Takes a `NATS_URL` apart, of which the client itself would use one host and port only. User and password, or a token in
 * the user's place, may be at one address or, the same, at several; with one `tls://` no server is spoken to in plain.
 * Throws where it is none, without quoting it.
 */
export function natsServers(url: string): NatsServers {
  const parts = url.split(",").map((address) => partsOf(address.trim()));
  const [who, ...others] = parts.filter(({ user }) => user !== "");
  if (others.some(({ user, pass }) => user !== who?.user || pass !== who.pass))
    throw new Error("must have the same user and password, or token, for all servers");
  const login = who && (who.pass ? { user: who.user, pass: who.pass } : { auth_token: who.user });
  return {
    servers: parts.map(({ server }) => server),
    ...(parts.some(({ tls }) => tls) && { tls: {} }),
    // A function shows nothing to who prints the broker's options, as Moleculer's console does.
    ...(login && { authenticator: () => login }),
  };
}
