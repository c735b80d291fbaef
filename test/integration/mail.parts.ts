import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A mail as its reader's program shows it. */
export interface ReadMail {
  /** Names in lower case; what was folded is on one line. */
  headers: Record<string, string>;
  subject: string;
  text: string;
  html: string;
  /** Where links of the plain text lead. */
  links: string[];
}

const WORD = /=\?utf-8\?([bq])\?([^?]*)\?=/gi;
const bytesOf = (text: string) => Buffer.from(text, "latin1");
const unquoted = (text: string) =>
  text.replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** Encoded words (RFC 2047) of a header. */
const decodeWords = (value: string): string =>
  value
    .replace(/\?=\s+=\?/g, "?==?")
    .replace(WORD, (_, encoding: string, text: string) =>
      (encoding.toLowerCase() === "b"
        ? Buffer.from(text, "base64")
        : bytesOf(unquoted(text.replaceAll("_", " ")))
      ).toString(),
    );

function split(source: string): { headers: Record<string, string>; body: string } {
  const end = source.indexOf("\r\n\r\n");
  const lines = source
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, " ")
    .split("\r\n");
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { headers: Object.fromEntries(headers), body: source.slice(end + 4) };
}

function decodeBody(body: string, encoding = "7bit"): string {
  if (encoding === "base64") return Buffer.from(body, "base64").toString();
  if (encoding === "quoted-printable") return bytesOf(unquoted(body.replace(/=\r\n/g, ""))).toString();
  return body;
}

/** Reads what a server or a file got: headers and the two bodies, decoded (RFC 2045, 2047). */
export function readMail(source: string): ReadMail {
  const { headers, body } = split(source);
  const [, boundary = ""] = /boundary="([^"]+)"/.exec(headers["content-type"] ?? "") ?? [];
  const parts = body
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => split(part.replace(/^\r\n/, "")));
  const partOf = (type: string) => {
    const part = parts.find((one) => one.headers["content-type"]?.startsWith(type));
    return part ? decodeBody(part.body, part.headers["content-transfer-encoding"]).replaceAll("\r\n", "\n") : "";
  };
  const text = partOf("text/plain");
  return {
    headers,
    subject: decodeWords(headers.subject ?? ""),
    text,
    html: partOf("text/html"),
    links: text.match(/https?:\/\/\S+/g) ?? [],
  };
}

/** The token of a mail's link; fails where it has none. */
export function tokenOf(mail: ReadMail): string {
  const token = mail.links.map((link) => new URL(link).searchParams.get("token")).find((found) => found !== null);
  if (!token) throw new Error(`no token in: ${mail.subject}`);
  return token;
}

/** The mails for an address that are files of a data folder, the oldest first. */
export function mailsIn(dataDir: string, address: string): ReadMail[] {
  const folder = join(dataDir, "mail");
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(".eml"));
  return names
    .sort()
    .map((name) => readMail(readFileSync(join(folder, name), "utf8")))
    .filter(({ headers }) => headers.to?.includes(address));
}
