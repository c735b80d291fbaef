import type { Locale } from "./locale";
import { oneLine, type Text } from "./texts";

/** A mail as it is handed to a server or a file. */
export interface OutgoingMail {
  id: string;
  to: { name: string; address: string };
  subject: string;
  text: string;
  html: string;
  /** Where its reader can say that they want no more of these, where they can. */
  preferences?: string;
  /** RFC 3339: when it was written, the same for each sending. */
  writtenAt: string;
}

const NAME_LENGTH = 60;

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");

/** Mail programs make links of what looks like one: in what others wrote, an invisible space keeps them from it. */
export const withoutLinks = (text: string): string =>
  text.replace(/:\/\//g, ":\u200B//").replace(/(?<=[\p{L}\p{N}])[.@](?=\p{L})/gu, "$&\u200B");

export type Rendered = Pick<OutgoingMail, "subject" | "text" | "html">;

export interface Link {
  url: string;
  /** What it is for: a few words. */
  text: string;
}

/** A mail as it is laid out, whatever it is about. Others may have written any of its texts, and none of its links. */
export interface Letter {
  locale: Locale;
  name: string;
  title: string;
  /** From top to bottom. */
  parts: (string | Link)[];
  /** Why they got it. */
  footer: (string | Link)[];
}

const greetings: Record<Locale, (name: string) => string> = {
  ko: (name) => `${name} 님, 안녕하세요.`,
  en: (name) => `Hello ${name},`,
};

const shown = (text: string) => withoutLinks(oneLine(text, 1000));
const asText = (part: string | Link) => (typeof part === "string" ? shown(part) : `${part.text}: ${part.url}`);
const asHtml = (part: string | Link) =>
  typeof part === "string" ? escapeHtml(shown(part)) : `<a href="${escapeHtml(part.url)}">${escapeHtml(part.text)}</a>`;

/** Subject and both bodies. Whatever is in it that others wrote is text and nothing else. */
export function layOut({ locale, name, title, parts, footer }: Letter): Rendered {
  const greeting = greetings[locale](withoutLinks(oneLine(name, NAME_LENGTH)));
  const subject = oneLine(title);
  return {
    subject,
    text: [greeting, ...parts.map(asText), `--\n${footer.map(asText).join("\n")}`, ""].join("\n\n"),
    html: [
      "<!doctype html>",
      `<html lang="${locale}">`,
      `<head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head>`,
      '<body style="font-family: sans-serif; line-height: 1.5; color: #222; max-width: 36em; margin: 0 auto; padding: 1em">',
      `<h1 style="font-size: 1.25em">${escapeHtml(shown(title))}</h1>`,
      `<p>${escapeHtml(greeting)}</p>`,
      ...parts.map((part) => `<p>${asHtml(part)}</p>`),
      `<p style="font-size: 0.85em; color: #666">${footer.map(asHtml).join(" ")}</p>`,
      "</body>",
      "</html>",
      "",
    ].join("\n"),
  };
}

const words: Record<Locale, { look: string; why: string; change: string }> = {
  ko: {
    look: "자세히 보기",
    why: "이 메일은 알림 설정에 따라 발송되었습니다.",
    change: "메일 수신 설정 바꾸기",
  },
  en: {
    look: "See the details",
    why: "You get this mail because your notification settings ask for it.",
    change: "Change which mails you get",
  },
};

export const preferencesUrl = (webUrl: string): string => `${webUrl}/settings/notifications`;

interface News extends Text {
  /** A path below the shop's web address. */
  link: string;
  locale: Locale;
}

/** A mail about a notification. */
export function renderMail({ locale, title, body, link }: News, name: string, webUrl: string): Rendered {
  const { look, why, change } = words[locale];
  return layOut({
    locale,
    name,
    title,
    parts: [...body.split("\n"), { url: `${webUrl}${link}`, text: look }],
    footer: [why, { url: preferencesUrl(webUrl), text: change }],
  });
}
