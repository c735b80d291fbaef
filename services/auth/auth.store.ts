import type { Environment } from "../../lib/environment";
import type { Store } from "../../lib/store/collection";
import { type CredentialDocument, Credentials } from "./credentials";
import { type KeyDocument, KeyRing, rotationRules } from "./key-ring";
import { linkIndexes, oauthStore } from "./oauth/oauth.store";
import { OneTimeTokens, type TokenDocument } from "./one-time-tokens";
import { Recoveries, type RecoveryDocument } from "./recoveries";
import { RecoveryCodes } from "./recovery-codes";
import { RefreshTokens } from "./refresh-token";
import { SecondFactors } from "./second-factor";
import { type SessionDocument, Sessions } from "./sessions";
import { type AttemptsDocument, Throttle } from "./throttle";

const DAY_MS = 24 * 3_600_000;

/** What auth keeps, and the objects that read and write it. */
export function authStore(store: Store, environment: Environment) {
  const { jwt, leaseMs } = environment;
  const credentials = store.collection<CredentialDocument>("auth", {
    name: "credentials",
    indexes: [
      { fields: ["email"], unique: true, sparse: true },
      ...linkIndexes,
      { fields: ["revokedAt"], sparse: true },
      { fields: ["due"], sparse: true },
    ],
  });
  const sessions = store.collection<SessionDocument>("auth", {
    name: "sessions",
    indexes: [{ fields: ["userId"] }, { fields: ["revokedAt"], sparse: true }, { fields: ["expiresAt"] }],
  });
  const attempts = store.collection<AttemptsDocument>("auth", {
    name: "attempts",
    indexes: [{ fields: ["expiresAt"] }],
  });
  const tokens = store.collection<TokenDocument>("auth", {
    name: "tokens",
    indexes: [{ fields: ["expiresAt"] }, { fields: ["userId"], mongoOnly: true }],
  });
  const recoveries = store.collection<RecoveryDocument>("auth", {
    name: "recoveries",
    indexes: [{ fields: ["due"], sparse: true }],
  });
  const keys = store.collection<KeyDocument>("auth", { name: "keys" });
  const refreshTokens = new RefreshTokens(jwt.keySecret);
  const credentialsOf = new Credentials(credentials, leaseMs);
  const { flows, links } = oauthStore(store, credentialsOf, environment);

  return {
    collections: [credentials, sessions, attempts, tokens, recoveries, flows.collection, keys],
    keys,
    credentials: credentialsOf,
    links,
    flows,
    secondFactors: new SecondFactors(credentialsOf, new RecoveryCodes(jwt.keySecret), jwt.keySecret),
    refreshTokens,
    sessions: new Sessions(sessions, refreshTokens, jwt.refreshDays * DAY_MS),
    recoveries: new Recoveries(recoveries),
    tokens: new OneTimeTokens(tokens),
    throttle: new Throttle(attempts),
    keyRing: new KeyRing(keys, jwt.keySecret, rotationRules(jwt)),
  };
}

export type AuthStore = ReturnType<typeof authStore>;
