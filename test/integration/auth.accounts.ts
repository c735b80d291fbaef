import { decode } from "jsonwebtoken";
import type { Meta, Role } from "../../lib/actions";
import type { UserView } from "../../services/user/user.contract";
import type { TestNode } from "./node";

export const PASSWORD = "correct horse battery";

export interface Account {
  user: UserView;
  accessToken: string;
  refreshToken: string;
  tokenType: string;
  expiresIn: number;
}

export interface AccessClaims {
  iss: string;
  aud: string;
  sub: string;
  roles: Role[];
  sid: string;
  jti: string;
  iat: number;
  iat_ms: number;
  exp: number;
}

let emails = 0;
export const newEmail = () => `someone-${++emails}-${process.pid}@example.org`;

export const register = (node: TestNode, { email = newEmail(), password = PASSWORD, name = "Someone" } = {}) =>
  node.as<Account>({ clientIp: "192.0.2.1", userAgent: "jest" }, "auth.register", { email, password, name });

export const claimsOf = ({ accessToken }: Pick<Account, "accessToken">) =>
  decode(accessToken) as unknown as AccessClaims;

/** What the gateway makes of an account's access token. */
export function metaOf(account: Account): Meta {
  const { sub, roles, sid } = claimsOf(account);
  return { user: { id: sub, roles, sid }, clientIp: "192.0.2.1" };
}

/** What many at once answer, each code or `ok` with how often. */
export async function outcomes(attempts: Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const result of await Promise.allSettled(attempts)) {
    const type: string = result.status === "fulfilled" ? "ok" : (result.reason.type ?? String(result.reason));
    counts[type] = (counts[type] ?? 0) + 1;
  }
  return counts;
}
