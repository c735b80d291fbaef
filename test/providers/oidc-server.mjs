import Provider from "oidc-provider";

/**
 * Runs an OpenID provider with its own login and consent pages, as a process that oidc.ts forks: the package is an ES
 * module, and a process can be paused and killed. Tells its parent what was asked of it and which secrets it gave out.
 */
const { port, clients, people, jwks } = JSON.parse(process.env.OIDC_SETTINGS);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: clients.map((client) => ({ ...client, id_token_signed_response_alg: "ES256" })),
  jwks,
  pkce: { required: () => true },
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  cookies: { keys: ["only for tests"] },
  // Claims are answered by userinfo only, as the specification has it where there is an access token.
  conformIdTokenClaims: true,
  findAccount: (_ctx, login) => ({ accountId: login, claims: () => ({ sub: login, ...people[login] }) }),
  ttl: { Session: 3600, Interaction: 600, Grant: 3600, IdToken: 600, AccessToken: 600, AuthorizationCode: 60 },
});

provider.use(async (ctx, next) => {
  process.send({ request: `${ctx.method} ${ctx.path}` });
  await next();
});
provider.on("grant.success", ({ body, oidc }) => {
  const { access_token, id_token, refresh_token } = body;
  const { code, code_verifier } = oidc.params;
  process.send({ given: [access_token, id_token, refresh_token, code_verifier].filter(Boolean), code });
});
process.on("message", ({ login, person }) => {
  people[login] = person;
  process.send({ knows: login });
});
// A parent that was killed leaves no provider behind.
process.on("disconnect", () => process.exit());

provider.listen(port, "127.0.0.1", () => process.send({ ready: true }));
