import type { Server } from "node:http";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import SocketIo from "moleculer-io";
import ApiGateway from "moleculer-web";
import { action, callOf, type Meta } from "../../lib/actions";
import { isLoopback } from "../../lib/environment-providers";
import { listeners } from "../../lib/events";
import { nodeOf } from "../../lib/node";
import { Strict, Type } from "../../lib/schema";
import { version } from "../../package.json";
import { aliasMethods } from "./aliases";
import { apiConfig } from "./api.config";
import { Authentication } from "./authentication";
import { answerClientErrors } from "./client-errors";
import { published, routesAreThere } from "./discovery";
import { referencePages } from "./docs";
import { encodeAnswer } from "./encoding";
import type { GatewayRequest, GatewayResponse } from "./gateway";
import { handleRequest } from "./handle";
import { hostsAll, lastAnswers, listen } from "./listening";
import { liveClients } from "./live";
import { crossOrigin, parseBody, preflight, securityHeaders } from "./middlewares";
import { openApiDocument } from "./openapi";
import { opsActions } from "./ops";
import { RateLimits } from "./rate-limits";
import { clientAddress, requestIdOf } from "./request";
import { Revocations } from "./revocations";
import { schemaAction } from "./schemas";
import { StaleAnswers } from "./stale";
import { answerMethods } from "./stream-answer";
import { traceRequest } from "./tracing";

const POLL_REVOCATIONS_MS = 500;
/** How long a connection may take nothing of its answer: once to twice that, as Node counts. Polls are silent for 15 s. */
const STALLED_MS = 20_000;

/** The way in: routes come from what the services declare, over discovery; no business rule is here. */
export default function apiService(broker: ServiceBroker): ServiceSchema {
  const { config, environment, health, metrics, resilience, tracer } = nodeOf(broker);
  const call = callOf(broker);
  const revocations = new Revocations(call, environment.jwt.accessSeconds * 1000, (revocation) =>
    live.revoked(revocation, revocations),
  );
  const authentication = new Authentication(call, environment.jwt, revocations);
  const { redisUrl, namespace, rateLimit } = environment;
  const limits = new RateLimits(redisUrl, namespace, rateLimit, metrics, config.of(apiConfig));
  const addressOf = clientAddress(environment.trustedProxies);
  const live = liveClients({ broker, authentication, limits, addressOf });
  const handle = handleRequest({
    authenticate: async (req) => (await authentication.authenticate(req.headers.authorization)) ?? live.byTicket(req),
    limits,
    metrics,
    logger: broker.getLogger("http"),
    addressOf,
    isDraining: () => health.state === "draining",
    stale: new StaleAnswers(() => resilience.policies, metrics),
  });
  let polling: NodeJS.Timeout | undefined;

  // moleculer-web's settings are wider than what Moleculer's type for them knows.
  const settings: object = {
    rest: "/",
    io: live.settings,
    httpServerTimeout: STALLED_MS,
    debounceTime: 50,
    optimizeOrder: true,
    logRequest: null,
    logResponse: null,
    logRouteRegistration: null,
    use: [handle.begin, securityHeaders(environment), crossOrigin(environment), preflight],
    rootCallOptions(options: { requestID?: string; meta?: Meta }, req: GatewayRequest, res: GatewayResponse) {
      options.requestID = requestIdOf(req);
      options.meta = { traceparent: traceRequest(tracer, broker.nodeID, req, res).traceparent };
    },
    onError: handle.error,
    routes: [
      {
        path: "/api/v1",
        autoAliases: true,
        mappingPolicy: "restrict",
        mergeParams: false,
        bodyParsers: false,
        logging: false,
        use: [parseBody],
        onBeforeCall: handle.before,
        onAfterCall: handle.after,
      },
      {
        path: "/",
        aliases: { "GET /.well-known/jwks.json": "auth.jwks", "GET /schemas/:type.json": "api.schema" },
        mappingPolicy: "restrict",
        mergeParams: false,
        bodyParsers: false,
        logging: false,
        use: [referencePages],
        onBeforeCall: handle.before,
        onAfterCall: handle.after,
      },
    ],
  };

  return {
    name: "api",
    metadata: { config: config.metadata(apiConfig) },
    // Not its `started`: it would listen before there is a route.
    mixins: [{ ...(ApiGateway as unknown as Partial<ServiceSchema>), started: undefined }, SocketIo],
    dependencies: ["auth"],
    settings,
    methods: {
      ...aliasMethods,
      ...answerMethods,
      // What is worth a line in the log is decided where the answer is made.
      errorHandler(req: unknown, res: unknown, error: unknown) {
        this.sendError(req, res, error);
      },
      encodeResponse: (_req: unknown, _res: unknown, answer: unknown) => encodeAnswer(answer),

      /** Clients come in when there is a route to all that is here and that discovery knows. */
      async opened() {
        await hostsAll(broker, () => polling === undefined);
        if (polling === undefined) return;
        for (const route of this.routes as { opts: { autoAliases?: boolean } }[])
          if (route.opts.autoAliases) this.regenerateAutoAliases(route);
        await listen(this.server as Server, environment.port, "::");
      },
    },

    actions: {
      // moleculer-web's own actions list and change routes, moleculer-io's reach every client; nobody here asks them to.
      call: false,
      broadcast: false,
      getClients: false,
      listAliases: false,
      addRoute: false,
      removeRoute: false,
      openapi: action({
        rest: "GET /openapi.json",
        access: "anyone",
        summary: "This API as an OpenAPI 3.1 document",
        params: Strict({}),
        returns: Type.Unsafe<object>({ type: "object" }),
        handler: () => openApiDocument(published(broker), environment.webUrl, version),
      }),
      schema: schemaAction(broker, environment.webUrl),
      ...opsActions(broker),
      ...live.actions,
    },

    events: listeners({
      "auth.revoked": (ctx) => revocations.add(ctx.params),
      "api.deliver": (ctx) => live.deliver(ctx.params),
      "$ops.leave": () => live.leave(),
      "$ops.stay": () => live.stay(),
    }),

    async started() {
      answerClientErrors(this.server as Server);
      if (environment.production && isLoopback(environment.webUrl))
        this.logger.warn(`WEB_URL is ${environment.webUrl}: links in mails and providers lead nobody else here`);
      health.register("routes", {
        importance: "required",
        probe: async () => routesAreThere(broker, this.aliases as { action?: string }[]),
      });
      await Promise.all([revocations.load(), authentication.warm()]);
      live.start(this.io, this.server as Server);
      const poll = () =>
        revocations
          .poll()
          .catch((error: unknown) => this.logger.debug({ err: error }, "revocations could not be asked for"))
          .finally(() => {
            if (polling) polling = setTimeout(poll, POLL_REVOCATIONS_MS);
          });
      polling = setTimeout(poll, POLL_REVOCATIONS_MS);
    },

    async stopped() {
      clearTimeout(polling);
      polling = undefined;
      await live.close();
      await lastAnswers(this.server as Server, health.state === "draining");
      await limits.close();
    },
  };
}
