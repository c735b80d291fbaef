import { currentTrace } from "../../lib/request-scope";
import { type Document, DuplicateKey, type Filter, type Store } from "../../lib/store/collection";
import { after, now } from "../../lib/time";
import type { AccountNews } from "./account.texts";
import type { Locale } from "./locale";
import { kindOf, type MailKind, type Notification } from "./notification";
import type { AccountMail } from "./notification.contract";

export type MailOutcome = "sent" | "dropped" | "rejected" | "given-up";

/** What a mail says is kept until it is on its way; address and name are asked for when it goes. */
interface Content {
  kind: MailKind;
  locale: Locale;
  title: string;
  body: string;
  link: string;
}

/** A mail, and afterwards the memory that there was one. */
export interface Mail extends Document, Partial<Content> {
  userId: string;
  /** What became of their account, in place of a title, body and link: those are made when it goes. */
  account?: AccountNews;
  createdAt: string;
  attempts: number;
  outcome?: MailOutcome;
  due?: string;
  traceparent?: string;
}

/** Longer than a message stands in a topic or waits in an outbox: what is older does not come again. */
const REMEMBER_MS = 60 * 24 * 3600 * 1000;

const isWaiting: Filter = { due: { $gt: "" } };

/** The mails that wait, and which there were. */
export function mailStore(store: Store) {
  const mails = store.collection<Mail>("notification", {
    name: "mails",
    indexes: [{ fields: ["due"], sparse: true }, { fields: ["createdAt"] }, { fields: ["userId"], mongoOnly: true }],
  });

  async function put(_id: string, userId: string, content: Partial<Mail>): Promise<void> {
    const mail: Mail = { _id, userId, createdAt: now(), attempts: 0, due: now(), ...content, ...currentTrace() };
    await mails.insert(mail).catch((error: unknown) => {
      if (!(error instanceof DuplicateKey)) throw error;
    });
  }

  return {
    mails,

    /** Once for each notification, however often it is asked for. */
    add: (userId: string, { id, type, title, body, link }: Notification, locale: Locale): Promise<void> =>
      put(id, userId, { kind: kindOf(type), locale, title, body, link }),

    /** Once for each id. */
    addAccount: ({ id, userId, acceptLanguage: _, ...account }: AccountMail, locale: Locale): Promise<void> =>
      put(id, userId, { locale, account }),

    /** Nothing is left to do; what it said goes, its id stays. */
    async finish({ _id }: Mail, outcome: MailOutcome): Promise<void> {
      const content = { kind: true, locale: true, title: true, body: true, link: true, account: true } as const;
      await mails.update(
        { _id },
        { $set: { outcome }, $unset: { due: true, traceparent: true, ...content } },
        { fields: [] },
      );
    },

    /** Tried again after so many milliseconds. */
    async postpone({ _id }: Mail, ms: number): Promise<void> {
      await mails.update({ _id, ...isWaiting }, { $set: { due: after(ms) }, $inc: { attempts: 1 } }, { fields: [] });
    },

    /** This node is still at it, for so many milliseconds. */
    async hold({ _id }: Mail, ms: number): Promise<void> {
      await mails.update({ _id, ...isWaiting }, { $set: { due: after(ms) } }, { fields: [] });
    },

    /** How the mails of these notifications ended, `waiting` where they have not. */
    async outcomes(ids: string[]): Promise<Map<string, MailOutcome | "waiting">> {
      const found = await mails.find({ _id: { $in: ids } }, { fields: ["outcome"] });
      return new Map(found.map(({ _id, outcome }) => [_id, outcome ?? ("waiting" as const)]));
    },

    waiting: () => mails.count(isWaiting),
    erase: (userId: string) => mails.remove({ userId }),
    forget: () => mails.remove({ createdAt: { $lt: after(-REMEMBER_MS) } }),
  };
}

export type MailStore = ReturnType<typeof mailStore>;
