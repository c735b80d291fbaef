import type { ServiceBroker, ServiceSchema } from "moleculer";
import { action, callOf } from "../../lib/actions";
import { unavailable } from "../../lib/errors";
import { broadcast } from "../../lib/events";
import { nodeOf } from "../../lib/node";
import { after } from "../../lib/time";
import { collectionsMixin } from "../../mixins/collections.mixin";
import { maintenanceMixin } from "../../mixins/maintenance.mixin";
import { promptly, sweeperMixin } from "../../mixins/sweeper.mixin";
import { authConfig } from "./auth.config";
import * as schema from "./auth.schema";
import { authStore } from "./auth.store";
import { seedDemoAccounts } from "./demo";
import { followingUp } from "./follow-up";
import { withProviders } from "./oauth/oauth";
import { operationsActions } from "./operations.actions";
import { passwordActions } from "./passwords/password.actions";
import { loadEstimator } from "./passwords/password-strength";
import { Passwords } from "./passwords/passwords";
import { recovery } from "./recovery/recovery";
import { recoveryActions } from "./recovery/recovery.actions";
import { secondFactorActions } from "./second-factor/second-factor.actions";
import { revoking } from "./sessions/revoking";
import { sessionActions } from "./sessions/session.actions";
import { signIn } from "./sign-in";
import { tokenActions } from "./tokens/token.actions";

const MAINTENANCE_MS = 30_000;
const CLOCK_MARGIN_MS = 60_000;
/** Seconds after which a client may ask whether accounts are made again. */
const CLOSED_RETRY_S = 60;

export default function authService(broker: ServiceBroker): ServiceSchema {
  const { config, environment, store: nodeStore } = nodeOf(broker);
  const settings = config.of(authConfig);
  const logger = broker.getLogger("auth");
  const store = authStore(nodeStore, environment);
  const { credentials, sessions, throttle, tokens, keyRing } = store;
  const passwords = new Passwords();
  const revoke = revoking(store, (revocation) => broadcast(broker, "auth.revoked", revocation));
  const { register, login, proceed, open, refresh, complete } = signIn({
    store,
    passwords,
    revoke,
    jwt: environment.jwt,
    settings,
  });
  const asking = { call: callOf(broker) };
  const { followUp, soon } = followingUp({ store, revoke, complete, asking, logger });
  const recovering = recovery({ store, passwords, soon, asking });
  const providers = withProviders({ broker, store, complete, proceed, soon, registering: () => settings.registering });

  /** The time before which nothing concerns an access token that lives. */
  const oldest = () => after(-environment.jwt.accessSeconds * 1000 - CLOCK_MARGIN_MS);

  return {
    name: "auth",
    mixins: [
      sweeperMixin({ collection: credentials.collection, leaseMs: environment.leaseMs, handle: followUp }),
      sweeperMixin({
        collection: store.recoveries.collection,
        leaseMs: environment.leaseMs,
        everyMs: promptly(environment.leaseMs),
        handle: recovering.takeUp,
      }),
      maintenanceMixin(MAINTENANCE_MS, async () => {
        await keyRing.refresh();
        await sessions.clean(oldest());
        await throttle.clean();
        await tokens.clean();
        await store.flows.clean();
      }),
      collectionsMixin(...store.collections),
    ],
    settings: { rest: "/" },
    metadata: { config: config.metadata(authConfig) },

    async started() {
      await keyRing.refresh();
      if (environment.demoData) await seedDemoAccounts(credentials);
    },

    stopped: () => providers.close(),

    events: {
      // Once it serves, so that neither the start waits for it nor the first who registers.
      "$broker.started": () => void setImmediate(loadEstimator),
    },

    actions: {
      register: action({
        rest: "POST /auth/register",
        access: "anyone",
        summary: "Makes an account and signs in",
        params: schema.Register,
        returns: schema.Tokens,
        status: 201,
        errors: [
          [409, "EMAIL_TAKEN"],
          [422, "WEAK_PASSWORD"],
          [503, "REGISTRATION_CLOSED"],
        ],
        handler(ctx) {
          if (!settings.registering)
            throw unavailable("REGISTRATION_CLOSED", "No accounts are made at the moment.", CLOSED_RETRY_S);
          ctx.meta.$location = "/api/v1/users/me";
          return register(ctx.params, ctx);
        },
      }),

      login: action({
        rest: "POST /auth/login",
        access: "anyone",
        limit: "credentials",
        summary: "Signs in",
        params: schema.Login,
        returns: schema.Tokens,
        errors: [
          [401, "BAD_CREDENTIALS"],
          [401, "MFA_REQUIRED"],
          [403, "ACCOUNT_LOCKED"],
          [429, "TOO_MANY_ATTEMPTS"],
        ],
        handler: (ctx) => login(ctx.params, ctx),
      }),

      refresh: action({
        rest: "POST /auth/refresh",
        access: "anyone",
        summary: "Another pair of tokens for a refresh token; one used more than 30 s ago ends its session",
        params: schema.WithRefreshToken,
        returns: schema.Tokens,
        errors: [
          [401, "BAD_REFRESH_TOKEN"],
          [401, "REFRESH_TOKEN_REUSED"],
        ],
        handler: (ctx) => refresh(ctx.params.refreshToken, ctx),
      }),

      ...passwordActions({ store, passwords, soon }),
      ...providers.actions,
      ...sessionActions(store, revoke),
      ...secondFactorActions({ store, revoke, passwords, settings, environment, open, soon }),
      ...recoveryActions(recovering),
      ...operationsActions({ store, revoke, soon, logger }),
      ...tokenActions(store, revoke, oldest),
    },
  };
}
