import { freePorts } from "../../lib/infra/ports";
import apiService from "../../services/api/api.service";
import authService from "../../services/auth/auth.service";
import userService from "../../services/user/user.service";
import { newEmail } from "../integration/auth.accounts";
import { eventually, startNode, type TestNode } from "../integration/node";
import { codeOf, OauthShop, startProviders, toldTo } from "../integration/oauth.parts";
import { Browser } from "../providers/browser";
import { withServers } from "./servers";

const ROUNDS = 5;

withServers(["nats", "mongo"], "signing in with providers at two nodes", (env) => {
  let shop: OauthShop;
  let nodes: TestNode[] = [];
  let ports: number[] = [];

  beforeAll(async () => {
    ports = await freePorts(2);
    // Behind a balancer all nodes have one address; here it is the first one's.
    const web = `http://localhost:${ports[0]}`;
    shop = new OauthShop(web, await startProviders(web));
    const common = { ...env, ...shop.providers.environment, RATE_LIMIT: "off" };
    nodes = await Promise.all(
      ports.map((port) => startNode([authService, userService, apiService], { ...common, PORT: String(port) })),
    );
    for (const port of ports)
      await eventually(async () => (await fetch(at(port, shop.api("/auth/providers")))).status === 200, 20_000);
  }, 60_000);
  afterAll(async () => {
    for (const node of nodes) await node.stop();
    await shop.providers.close();
  }, 30_000);

  /** The same address, at that node. */
  function at(port: number | undefined, url: string | URL): URL {
    const moved = new URL(url);
    moved.port = String(port);
    return moved;
  }

  test("a sign-in begins at one node, comes back to the other and is exchanged at the first", async () => {
    const browser = new Browser();
    const login = await shop.person({ name: "Kim" });
    const { url } = await shop.upToCallback(browser, "oidc", login);
    const page = await browser.go(at(ports[1], url));
    const { status, body } = await shop.exchange(browser, codeOf(page));
    expect([status, body.user?.name]).toEqual([200, "Kim"]);
    const me = await fetch(at(ports[1], shop.api("/users/me")), {
      headers: { Authorization: `Bearer ${body.accessToken}` },
    });
    expect(await me.json()).toEqual(body.user);
  });

  test("a callback is taken by one of two nodes that it comes to at once, a code by one as well", async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const browser = new Browser();
      const { url } = await shop.upToCallback(browser, "oidc", await shop.person());
      const pages = await Promise.all(ports.map((port) => browser.go(at(port, url))));
      const told = pages.map((page) => toldTo(page));
      expect(told.map(({ error }) => error ?? "none").sort()).toEqual(["BAD_STATE", "none"]);
      const code = told.find((one) => one.code)?.code;
      const answers = await Promise.all(
        ports.map((port) => browser.post(at(port, shop.api("/auth/oauth/exchange")).href, { code })),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
    }
  });

  test("first sign-ins at once on different nodes make one account", async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const login = await shop.person({ email: newEmail(), email_verified: true });
      const browsers = [new Browser(), new Browser()];
      const held = await Promise.all(browsers.map((browser) => shop.upToCallback(browser, "oidc", login)));
      const ends = await Promise.all(
        browsers.map(async (browser, i) => {
          const page = await browser.go(at(ports[i], held[i]?.url ?? ""));
          return shop.exchange(browser, codeOf(page));
        }),
      );
      expect(ends.map(({ status }) => status)).toEqual([200, 200]);
      expect(new Set(ends.map(({ body }) => body.user.id)).size).toBe(1);
    }
  });

  test("of two ways that are removed at once on different nodes one is left", async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const login = await shop.person();
      const account = await shop.account("oidc", login);
      shop.providers.naver.people[login] = { name: "N" };
      expect(toldTo(await shop.link(account, "naver", login))).toMatchObject({ linked: "naver" });
      const removals = await Promise.all(
        (["oidc", "naver"] as const).map((provider, i) =>
          fetch(at(ports[i], shop.api(`/auth/links/${provider}`)), {
            method: "DELETE",
            headers: { Authorization: `Bearer ${account.accessToken}` },
          }),
        ),
      );
      expect(removals.map(({ status }) => status).sort()).toEqual([204, 409]);
      expect(await shop.links(account)).toHaveLength(1);
    }
  });

  test("a subject is linked to one of two accounts that want it at once on different nodes", async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const login = await shop.person();
      const wanting = await Promise.all(
        ports.map(async (port) => {
          const account = await shop.register();
          const browser = new Browser();
          const url = await shop.linkUrl(account, "oidc", browser);
          return { account, browser, callback: at(port, (await shop.upToCallback(browser, "oidc", login, url)).url) };
        }),
      );
      const ends = await Promise.all(wanting.map(({ browser, callback }) => browser.go(callback)));
      expect(ends.map((page) => toldTo(page).error ?? "linked").sort()).toEqual(["ALREADY_LINKED", "linked"]);
      const links = await Promise.all(wanting.map(({ account }) => shop.links(account)));
      expect(links.flat()).toEqual(["oidc"]);
    }
  });
});
