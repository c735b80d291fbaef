import type { Environment } from "../../lib/environment";
import type { Store } from "../../lib/store/collection";
import { type CredentialDocument, Credentials } from "./credentials";
import { linkIndexes, oauthStore } from "./oauth/oauth.store";
import { Recoveries, type RecoveryDocument } from "./recovery/recoveries";
import { RecoveryCodes } from "./second-factor/recovery-codes";
import { SecondFactors } from "./second-factor/second-factor";
import { type SessionDocument, Sessions } from "./sessions/sessions";
import { type AttemptsDocument, Throttle } from "./throttle";
import { type KeyDocument, KeyRing, rotationRules } from "./tokens/key-ring";
import { OneTimeTokens, type TokenDocument } from "./tokens/one-time-tokens";
import { RefreshTokens } from "./tokens/refresh-token";

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
