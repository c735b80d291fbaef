import type { ServiceBroker } from "moleculer";
import type { Call } from "../../lib/actions";
import { crashPoint } from "../../lib/crash";
import { hasType } from "../../lib/errors";
import type { Metrics } from "../../lib/metrics";
import { isLinkKind, renderAccountMail } from "./account.mail";
import { type OutgoingMail, preferencesUrl, type Rendered, renderMail } from "./mail";
import type { Mail, MailOutcome, MailStore } from "./mail.store";
import { type Mailer, MailRejected } from "./mailer";
import type { PreferencesStore } from "./preferences";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30 * 60 * 1000;
/** A link to a new password is of no use after half an hour: it is tried more often. */
const RESET_PAUSE_MS = 60_000;
const GIVE_UP_MS = 3 * 24 * 3600 * 1000;

interface Parts {
  store: MailStore;
  preferences: PreferencesStore;
  mailer: Mailer;
  call: Call;
  metrics: Metrics;
  logger: ServiceBroker["logger"];
  webUrl: string;
  /** Milliseconds that a mail belongs to the node that took it; prolonged while it is being sent. */
  leaseMs: number;
}

/** A server's refusal repeats addresses: only its codes are fit for a log. */
function codesOf(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return {};
  const { name, code, responseCode, type } = error as Error & Record<string, unknown>;
  return { name, code, responseCode, type };
}

/**
 * Sends mails that are due. A mail goes out once as far as SMTP allows: a process that dies after the server took one and
 * before that is noted sends it again, with the same Message-ID.
 */
export function sending({ store, preferences, mailer, call, metrics, logger, webUrl, leaseMs }: Parts) {
  async function recipientOf({ userId, kind }: Mail): Promise<{ name: string; address: string } | undefined> {
    const wishes = await preferences.of(userId);
    if (!wishes || (kind && !wishes.email[kind])) return undefined;
    try {
      const { email, name } = await call("user.find", { id: userId });
      return email === null ? undefined : { name, address: email };
    } catch (error) {
      if (hasType(error, "USER_NOT_FOUND")) return undefined;
      throw error;
    }
  }

  /** Undefined where there is no use in it any more. The token of a link is made now, and kept nowhere. */
  async function accountLetter(
    { userId, locale, account }: Mail,
    to: OutgoingMail["to"],
  ): Promise<Rendered | undefined> {
    if (!locale || !account) return undefined;
    const { kind, at: requestedAt } = account;
    if (!isLinkKind(kind)) return renderAccountMail({ locale, news: account }, to.name, webUrl);
    const token = await call("auth.mailToken", { userId, kind, email: to.address, requestedAt });
    return token ? renderAccountMail({ locale, news: account, token }, to.name, webUrl) : undefined;
  }

  function newsLetter({ locale, title, body, link }: Mail, to: OutgoingMail["to"]) {
    if (!locale || title === undefined || body === undefined || link === undefined) return undefined;
    return { ...renderMail({ locale, title, body, link }, to.name, webUrl), preferences: preferencesUrl(webUrl) };
  }

  async function attempt(mail: Mail): Promise<MailOutcome> {
    const to = await recipientOf(mail);
    const letter = to && (mail.account ? await accountLetter(mail, to) : newsLetter(mail, to));
    if (!letter) return "dropped";
    await mailer.send({ id: mail._id, to, ...letter, writtenAt: mail.createdAt });
    crashPoint("notification.mail.sent");
    return "sent";
  }

  async function failed(mail: Mail, error: unknown): Promise<MailOutcome | undefined> {
    const longest = mail.account?.kind === "password.reset" ? RESET_PAUSE_MS : LONGEST_PAUSE_MS;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** mail.attempts, longest);
    const ended = error instanceof MailRejected ? "rejected" : undefined;
    const outcome = ended ?? (Date.now() + pause > Date.parse(mail.createdAt) + GIVE_UP_MS ? "given-up" : undefined);
    const details = { ...codesOf(error), ...(ended && codesOf((error as Error).cause)), mail: mail._id };
    logger.warn(details, outcome ? `a mail is ${outcome}` : "a mail will be tried again");
    if (!outcome) await store.postpone(mail, pause);
    return outcome;
  }

  /** A server may take longer than a lease: no other node is to send the mail meanwhile. */
  async function holding<T>(mail: Mail, work: () => Promise<T>): Promise<T> {
    let held: Promise<unknown> = Promise.resolve();
    const timer = setInterval(() => {
      held = store.hold(mail, leaseMs).catch(() => undefined);
    }, leaseMs / 3);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      await held;
    }
  }

  return async (mail: Mail): Promise<void> => {
    const outcome = await holding(mail, () => attempt(mail)).catch((error: unknown) => failed(mail, error));
    if (outcome) await store.finish(mail, outcome);
    metrics.mails.inc({ outcome: outcome ?? "retried" });
  };
}
