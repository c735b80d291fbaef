import { CookieJar } from "tough-cookie";

const MAX_REDIRECTS = 20;

export interface Page {
  /** Where the browser is; with `stopBefore`, where it would go next. */
  url: URL;
  status: number;
  headers: Headers;
  text: string;
}

interface Going {
  form?: URLSearchParams;
  /** The page that a link or form was on; without it the address was typed. */
  from?: URL;
  /** Stays where a redirect leads to such a URL, and does not ask for it. */
  stopBefore?: (url: URL) => boolean;
}

interface Form {
  action: string;
  fields: [name: string, value: string][];
}

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", "#x27": "'" };
const unescaped = (text: string): string => text.replaceAll(/&(#?\w+);/g, (all, name: string) => entities[name] ?? all);
const attribute = (tag: string, name: string): string | undefined => {
  const [, value] = new RegExp(`\\s${name}="([^"]*)"`).exec(tag) ?? [];
  return value === undefined ? undefined : unescaped(value);
};

/** The page's form, with what its fields have in them. */
function formOf({ text }: Page): Form | undefined {
  const [, tag = "", inside = ""] = /<form(\s[^>]*)>(.*?)<\/form>/s.exec(text) ?? [];
  const action = attribute(tag, "action");
  if (action === undefined) return undefined;
  const inputs = [...inside.matchAll(/<input\s[^>]*>/g)].map(([input]) => input);
  return {
    action,
    fields: inputs.map((input) => [attribute(input, "name") ?? "", attribute(input, "value") ?? ""]),
  };
}

/** Site as cookies have it: ports and schemes of one host are the same one here. */
const sameSite = (one: URL | undefined, other: URL): boolean => !one || one.hostname === other.hostname;

/**
 * As much of a browser as signing in needs: a cookie jar by RFC 6265 with SameSite, redirects followed by hand, and forms
 * that are filled in and sent.
 */
export class Browser {
  readonly jar = new CookieJar();
  /** Every URL it went to, in their order. */
  readonly visited: string[] = [];

  /** Goes there, and on through redirects. */
  async go(to: string | URL, { form, from, stopBefore }: Going = {}): Promise<Page> {
    let url = new URL(to);
    let body = form;
    for (let hops = 0; hops < MAX_REDIRECTS; hops++) {
      this.visited.push(url.href);
      const response = await this.ask(url, { ...(body && { method: "POST", body }) }, from);
      const location = response.headers.get("location");
      const text = await response.text();
      if (response.status < 300 || response.status >= 400 || !location)
        return { url, status: response.status, headers: response.headers, text };
      url = new URL(location, url);
      body = undefined;
      if (stopBefore?.(url)) {
        this.visited.push(url.href);
        return { url, status: response.status, headers: response.headers, text };
      }
    }
    throw new Error(`More than ${MAX_REDIRECTS} redirects`);
  }

  /** One request with the browser's cookies; those of the answer are kept. */
  async ask(url: URL, init: RequestInit = {}, from?: URL): Promise<Response> {
    const crossSite = init.method === "POST" ? "none" : "lax";
    const sameSiteContext = sameSite(from, url) ? "strict" : crossSite;
    const cookie = await this.jar.getCookieString(url.href, { sameSiteContext });
    const headers = new Headers(init.headers);
    if (cookie) headers.set("cookie", cookie);
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie())
      await this.jar.setCookie(line, url.href, { sameSiteContext: "lax", ignoreError: true });
    return response;
  }

  /** What a page's script posts to its own origin. */
  post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const asJson = { "Content-Type": "application/json", ...headers };
    return this.ask(new URL(url), { method: "POST", headers: asJson, body: JSON.stringify(body) });
  }

  /** Sends the page's form, with the fields that are named in `values` filled in. */
  submit(page: Page, values: Record<string, string>, going: Going = {}): Promise<Page> {
    const form = formOf(page);
    if (!form) throw new Error(`No form on ${page.url}: ${page.status} ${page.text.slice(0, 500)}`);
    const fields = form.fields.map(([name, value]): [string, string] => [name, values[name] ?? value]);
    const to = new URL(form.action, page.url);
    return this.go(to, { ...going, form: new URLSearchParams(fields), from: page.url });
  }

  /** Follows the link with such a text. */
  follow(page: Page, text: RegExp, going: Going = {}): Promise<Page> {
    const links = [...page.text.matchAll(/<a(\s[^>]*)>(.*?)<\/a>/gs)];
    const [, tag = ""] = links.find(([, , inside = ""]) => text.test(inside)) ?? [];
    const href = attribute(tag, "href");
    if (href === undefined) throw new Error(`No link ${text} on ${page.url}`);
    return this.go(new URL(href, page.url), { ...going, from: page.url });
  }

  /** Goes through a provider's pages: signs in where it asks for that, and agrees. */
  async agree(page: Page, login: string, going: Going = {}): Promise<Page> {
    let at = page;
    while (at.status === 200 && formOf(at)) at = await this.submit(at, { login, password: "any" }, going);
    return at;
  }

  /** What the jar holds for that URL, values and all. */
  async cookies(url: string): Promise<string> {
    return this.jar.getCookieString(url);
  }
}
