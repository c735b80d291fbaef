import type { Locale } from "./locale";
import { oneLine, type Text } from "./texts";

/** A mail as it is handed to a server or a file. */
export interface OutgoingMail {
  id: string;
  to: { name: string; address: string };
  subject: string;
  text: string;
  html: string;
  /** Where its reader can say that they want no more of these. */
  preferences: string;
  /** RFC 3339: when it was written, the same for each sending. */
  writtenAt: string;
}

const NAME_LENGTH = 60;

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");

/** Mail programs make links of what looks like one: in what others wrote, an invisible space keeps them from it. */
export const withoutLinks = (text: string): string =>
  text.replace(/:\/\//g, ":\u200B//").replace(/(?<=[\p{L}\p{N}])[.@](?=\p{L})/gu, "$&\u200B");

const words: Record<Locale, { greeting: (name: string) => string; look: string; why: string; change: string }> = {
  ko: {
    greeting: (name) => `${name} 님, 안녕하세요.`,
    look: "자세히 보기",
    why: "이 메일은 알림 설정에 따라 발송되었습니다.",
    change: "메일 수신 설정 바꾸기",
  },
  en: {
    greeting: (name) => `Hello ${name},`,
    look: "See the details",
    why: "You get this mail because your notification settings ask for it.",
    change: "Change which mails you get",
  },
};

export const preferencesUrl = (webUrl: string): string => `${webUrl}/settings/notifications`;

interface Letter extends Text {
  /** A path below the shop's web address. */
  link: string;
  locale: Locale;
}

/** Subject and both bodies. Whatever is in it that others wrote is text and nothing else. */
export function renderMail(
  letter: Letter,
  name: string,
  webUrl: string,
): Pick<OutgoingMail, "subject" | "text" | "html"> {
  const { greeting, look, why, change } = words[letter.locale];
  const shown = (text: string) => withoutLinks(oneLine(text, 1000));
  const paragraphs = [greeting(withoutLinks(oneLine(name, NAME_LENGTH))), ...letter.body.split("\n").map(shown)];
  const link = `${webUrl}${letter.link}`;
  const preferences = preferencesUrl(webUrl);
  const title = oneLine(letter.title);
  const anchor = (url: string, text: string) => `<a href="${escapeHtml(url)}">${escapeHtml(text)}</a>`;
  return {
    subject: title,
    text: [...paragraphs, `${look}: ${link}`, `--\n${why}\n${change}: ${preferences}`, ""].join("\n\n"),
    html: [
      "<!doctype html>",
      `<html lang="${letter.locale}">`,
      `<head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>`,
      '<body style="font-family: sans-serif; line-height: 1.5; color: #222; max-width: 36em; margin: 0 auto; padding: 1em">',
      `<h1 style="font-size: 1.25em">${escapeHtml(shown(letter.title))}</h1>`,
      ...paragraphs.map((paragraph) => `<p>${escapeHtml(paragraph)}</p>`),
      `<p>${anchor(link, look)}</p>`,
      `<p style="font-size: 0.85em; color: #666">${escapeHtml(why)} ${anchor(preferences, change)}</p>`,
      "</body>",
      "</html>",
      "",
    ].join("\n"),
  };
}
