import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTransport } from "nodemailer";
import type { Environment } from "../../lib/environment";
import type { Tracer } from "../../lib/tracing/tracer";
import type { OutgoingMail } from "./mail";

/** Mails that one node sends at once. */
export const AT_ONCE = 5;
/** Milliseconds that sending one may take, all of its steps together. */
const SEND_MS = 30_000;

const TIMEOUTS = { dnsTimeout: 5000, connectionTimeout: 5000, greetingTimeout: 10_000, socketTimeout: 15_000 };

/** The server will never take this mail. */
export class MailRejected extends Error {
  override readonly name = "MailRejected";
}

/** Takes mails away: to a server, or to files. What `send` resolves is taken; a mail may be sent again under its id. */
export interface Mailer {
  /** Throws {@link MailRejected} where another try is of no use. */
  send(mail: OutgoingMail): Promise<void>;
  open(): Promise<void>;
  close(): Promise<void>;
}

/** `Shop <no-reply@shop.example>` has its domain after the last @. */
const domainOf = (from: string): string => /@([^@\s>]+)>?\s*$/.exec(from)?.[1] ?? "localhost";

const toMessage = (mail: OutgoingMail, from: string) => ({
  from,
  to: mail.to,
  subject: mail.subject,
  text: mail.text,
  html: mail.html,
  date: new Date(mail.writtenAt),
  messageId: `<${mail.id}@${domainOf(from)}>`,
  ...(mail.preferences && { list: { unsubscribe: { url: mail.preferences, comment: "Notification settings" } } }),
  headers: { "Auto-Submitted": "auto-generated" },
  disableFileAccess: true,
  disableUrlAccess: true,
});

/** An address or a content that is refused for good, and not a login or a server that has to be put right. */
function isRejection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, responseCode } = error as Error & { code?: string; responseCode?: number };
  return (code === "EENVELOPE" || code === "EMESSAGE") && responseCode !== undefined && responseCode >= 500;
}

function smtpMailer(url: string, from: string): Mailer {
  const transport = createTransport({ url, pool: true, maxConnections: AT_ONCE, maxRequeues: 0, ...TIMEOUTS });
  return {
    async send(mail) {
      try {
        await transport.sendMail({ ...toMessage(mail, from), signal: AbortSignal.timeout(SEND_MS) });
      } catch (error) {
        throw isRejection(error) ? new MailRejected("the server refused the mail", { cause: error }) : error;
      }
    },
    open: async () => undefined,
    close: async () => transport.close(),
  };
}

/** Each mail is a file under its id, so that sending it again makes no second one. */
function fileMailer(directory: string, from: string): Mailer {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: "windows" });
  return {
    async send(mail) {
      const { message } = await transport.sendMail(toMessage(mail, from));
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const file = join(directory, `${mail.id}.eml`);
      await writeFile(`${file}.part`, message, { mode: 0o600 });
      await rename(`${file}.part`, file);
    },
    open: async () => undefined,
    close: async () => transport.close(),
  };
}

/** A mailer whose sending is a CLIENT span: who it is for and what it says stay out of it. */
export const tracedMailer = (mailer: Mailer, tracer: Tracer, remote: string): Mailer => ({
  ...mailer,
  send: (mail) =>
    tracer.run({ name: "send mail", service: "notification", kind: "CLIENT", remote }, () => mailer.send(mail)),
});

export const mailerFor = ({ mail: { smtpUrl, from }, dataDir }: Environment): Mailer =>
  smtpUrl ? smtpMailer(smtpUrl, from) : fileMailer(join(dataDir, "mail"), from);
