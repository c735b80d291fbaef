import { type AccountNews, accountTexts, type LinkKind, timeText } from "./account.texts";
import { deviceOf } from "./device";
import type { Locale } from "./locale";
import { type Link, layOut, type Rendered } from "./mail";

/** What a mailed link opens with, and until when. */
export interface LinkToken {
  token: string;
  /** RFC 3339. */
  expiresAt: string;
}

const PAGES: Record<LinkKind, string> = {
  "email.verification": "/verify-email",
  "password.reset": "/reset-password",
};

export const isLinkKind = (kind: AccountNews["kind"]): kind is LinkKind => Object.hasOwn(PAGES, kind);

function factsOf({ at, ip, userAgent }: AccountNews, locale: Locale): string[] {
  const labels = accountTexts[locale].facts;
  const device = deviceOf(userAgent ?? "");
  return [
    `${labels.when}: ${timeText(at, locale)}`,
    ...(ip ? [`${labels.address}: ${ip}`] : []),
    ...(device ? [`${labels.device}: ${device}`] : []),
  ];
}

/** Title and parts of a mail; `token` is what a link's mail needs. */
function contentOf(news: AccountNews, token: LinkToken | undefined, locale: Locale, webUrl: string) {
  const { kind } = news;
  const texts = accountTexts[locale];
  const forgot: Link = { url: `${webUrl}/forgot-password`, text: texts.newPassword };
  const security: Link = { url: `${webUrl}/account/security`, text: texts.security };
  const facts = factsOf(news, locale);
  if (!isLinkKind(kind)) {
    const { title, told } = texts.notices[kind](news);
    return { title, parts: [told, ...facts, texts.ifYou, texts.ifNotYou, forgot, texts.lookAround, security] };
  }
  if (!token) throw new TypeError(`a mail of the kind ${kind} needs a token`);
  const { title, told, follow, ifNotYou } = texts.links[kind];
  const link: Link = { url: `${webUrl}${PAGES[kind]}?token=${encodeURIComponent(token.token)}`, text: follow };
  const until = texts.until(timeText(token.expiresAt, locale));
  const place = kind === "password.reset" ? security : forgot;
  return { title, parts: [told, link, until, texts.keepIt, ...facts, ifNotYou, place] };
}

/** A mail about an account. Throws TypeError where it is to have a link and there is no token for it. */
export function renderAccountMail(
  { locale, news, token }: { locale: Locale; news: AccountNews; token?: LinkToken },
  name: string,
  webUrl: string,
): Rendered {
  const { title, parts } = contentOf(news, token, locale, webUrl);
  return layOut({ locale, name, title, parts, footer: [accountTexts[locale].why] });
}
