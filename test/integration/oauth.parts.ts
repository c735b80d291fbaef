import type { ServiceBroker, ServiceSchema } from "moleculer";
import { freePorts } from "../../lib/infra/ports";
import apiService from "../../services/api/api.service";
import authService from "../../services/auth/auth.service";
import notificationService from "../../services/notification/notification.service";
import productService from "../../services/product/product.service";
import userService from "../../services/user/user.service";
import { Browser, type Page } from "../providers/browser";
import { KakaoServer } from "../providers/kakao";
import { NaverServer } from "../providers/naver";
import { OidcProvider, type Person } from "../providers/oidc";
import { type Account, newEmail, PASSWORD } from "./auth.accounts";
import { eventually, startNode, type TestNode } from "./node";

export type ProviderName = "oidc" | "google" | "kakao" | "naver";

interface Problem {
  code: string;
  mfaToken?: string;
}

export interface Answer<T = object> {
  status: number;
  body: T & Problem;
}

/** Stand for the others who forget whom they are told to. */
const others: ((broker: ServiceBroker) => ServiceSchema)[] = [
  () => ({ name: "order", actions: { anonymise: () => null } }),
  () => ({ name: "chat", actions: { erase: () => null } }),
];

export const isCallback = ({ pathname }: URL): boolean => pathname.endsWith("/callback");

/** What a page of ours was told: the path it is on, and the parameters. */
export function toldTo({ url }: Page): Record<string, string> {
  return { path: url.pathname, ...Object.fromEntries(url.searchParams) };
}

export const codeOf = (page: Page): string => page.url.searchParams.get("code") ?? "";

const client = (redirectUri: string) => ({ id: "shop-id", secret: "shop-secret-of-the-tests", redirectUri });

/** The providers that shops at `web` are clients of, and the environment that says so. */
export async function startProviders(web: string) {
  const callback = (provider: ProviderName) => `${web}/api/v1/auth/oauth/${provider}/callback`;
  const { id: client_id, secret: client_secret } = client("");
  const known = { client_id, client_secret, redirect_uris: [callback("oidc"), callback("google")] };
  const oidc = await OidcProvider.start([{ ...known, token_endpoint_auth_method: "client_secret_basic" }], {});
  const kakao = await new KakaoServer(client(callback("kakao")), {}).listen();
  const naver = await new NaverServer(client(callback("naver")), {}).listen();
  const clients = ["OIDC", "GOOGLE", "KAKAO", "NAVER"].flatMap((name) => [
    [`OAUTH_${name}_CLIENT_ID`, client_id],
    [`OAUTH_${name}_CLIENT_SECRET`, client_secret],
  ]);
  const environment: Record<string, string> = {
    ...Object.fromEntries(clients),
    WEB_URL: web,
    OAUTH_OIDC_ISSUER: oidc.issuer,
    OAUTH_GOOGLE_ISSUER: oidc.issuer,
    OAUTH_KAKAO_ISSUER: kakao.origin,
    OAUTH_NAVER_URL: naver.origin,
    OAUTH_NAVER_API_URL: naver.origin,
  };
  const close = async () => void (await Promise.all([oidc.kill(), kakao.close(), naver.close()]));
  return { oidc, google: oidc, kakao, naver, environment, secret: client_secret, close };
}

type Providers = Awaited<ReturnType<typeof startProviders>>;

let logins = 0;
export const newLogin = (): string => `subject-${++logins}-${process.pid}`;

/** A shop, as browsers and its pages' scripts see it, with providers to sign in with. */
export class OauthShop {
  constructor(
    readonly web: string,
    readonly providers: Providers,
  ) {}

  /** Somebody with an account at the OpenID provider; answers the login, which is the subject, too. */
  async person(person: Person = {}): Promise<string> {
    const login = newLogin();
    await this.providers.oidc.know(login, person);
    return login;
  }

  api = (path: string): string => `${this.web}/api/v1${path}`;

  /** Where a sign-in begins. */
  startOf = (provider: ProviderName, redirect = "/"): string =>
    this.api(`/auth/oauth/${provider}?${new URLSearchParams({ redirect })}`);

  /** Goes to the provider and through its pages, and stops before the callback. */
  async upToCallback(browser: Browser, provider: ProviderName, login: string, from = this.startOf(provider)) {
    const going = { stopBefore: isCallback };
    return browser.agree(await browser.go(from, going), login, going);
  }

  /** The whole way, up to our own page. */
  async signIn(browser: Browser, provider: ProviderName, login: string, from = this.startOf(provider)): Promise<Page> {
    const { url } = await this.upToCallback(browser, provider, login, from);
    return browser.go(url, { from: new URL(this.providers.oidc.issuer) });
  }

  async exchange(browser: Browser, code: string): Promise<Answer<Account>> {
    const response = await browser.post(this.api("/auth/oauth/exchange"), { code });
    return { status: response.status, body: (await response.json()) as Account & Problem };
  }

  /** The account that a sign-in leads to. */
  async account(provider: ProviderName, login: string, browser = new Browser()): Promise<Account> {
    const page = await this.signIn(browser, provider, login);
    const { status, body } = await this.exchange(browser, codeOf(page));
    if (status !== 200) throw new Error(`${status} ${body.code} at ${page.url}`);
    return body;
  }

  async call<T = object>(method: string, path: string, account?: Account, body?: object): Promise<Answer<T>> {
    const response = await fetch(this.api(path), {
      method,
      headers: {
        ...(body && { "Content-Type": "application/json" }),
        ...(account && { Authorization: `Bearer ${account.accessToken}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text ? JSON.parse(text) : null) as T & Problem };
  }

  async register(email = newEmail()): Promise<Account> {
    return (await this.call<Account>("POST", "/auth/register", undefined, { email, password: PASSWORD, name: "Own" }))
      .body;
  }

  /** Adds a provider to an account: asks where to go, as the account's page does in its browser, and goes. */
  async link(account: Account, provider: ProviderName, login: string, browser = new Browser()): Promise<Page> {
    return this.signIn(browser, provider, login, await this.linkUrl(account, provider, browser));
  }

  async linkUrl(account: Account, provider: ProviderName, browser: Browser): Promise<string> {
    const headers = { Authorization: `Bearer ${account.accessToken}` };
    const response = await browser.post(this.api(`/auth/links/${provider}`), { redirect: "/account" }, headers);
    const { url } = (await response.json()) as { url: string };
    if (response.status !== 200) throw new Error(`${response.status} for a link`);
    return url;
  }

  async links(account: Account): Promise<string[]> {
    const { body } = await this.call<{ items: { provider: string }[] }>("GET", "/auth/links", account);
    return body.items.map(({ provider }) => provider);
  }
}

export let shop: OauthShop;
export let node: TestNode;

/** Starts a shop with its providers. */
export async function openShop(environment: Record<string, string> = {}) {
  const [port = 0] = await freePorts(1);
  const web = `http://localhost:${port}`;
  const providers = await startProviders(web);
  const settings = { ...providers.environment, PORT: String(port), RATE_LIMIT: "off", ...environment };
  const services = [apiService, authService, userService, productService, notificationService, ...others];
  const opened = new OauthShop(web, providers);
  const started = await startNode(services, settings);
  await eventually(async () => (await fetch(opened.api("/auth/providers"))).status === 200);
  const close = async () => {
    await started.stop();
    await providers.close();
  };
  return { shop: opened, node: started, close };
}

let closeShop: () => Promise<void>;

/** Starts a shop with its providers for the tests of one file. */
export async function startShop(environment: Record<string, string> = {}): Promise<void> {
  ({ shop, node, close: closeShop } = await openShop(environment));
}

export const stopShop = (): Promise<void> => closeShop();
