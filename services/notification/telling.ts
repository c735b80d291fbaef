import { crashPoint } from "../../lib/crash";
import { isLinkKind } from "./account.mail";
import type { Inbox } from "./inbox/inbox";
import type { Locale } from "./locale";
import type { MailStore } from "./mail.store";
import { kindOf, type Notification, type NotificationType, notificationId } from "./notification";
import type { AccountMail } from "./notification.contract";
import type { PreferencesStore } from "./preferences";
import type { Text } from "./texts";
import type { UnreadStore } from "./unread.store";

interface Parts {
  inbox: Inbox;
  preferences: PreferencesStore;
  mails: MailStore;
  unread: UnreadStore;
  /** Tells the user's connected clients; that may be lost. */
  deliver: (userId: string, notification: Notification) => void;
}

/** Something that a user is to be told of. */
export interface News {
  type: NotificationType;
  /** The event, or the batch, that it is told for: once. */
  cause: string;
  /** RFC 3339; the same each time that it is told. */
  at: string;
  /** A path of the shop's pages. */
  link: string;
  text: (locale: Locale) => Text;
}

/** Tells users what concerns them, in the app and by mail, once however often it is asked for. */
export function tellingOf({ inbox, preferences, mails, unread, deliver }: Parts) {
  async function clear(userId: string): Promise<void> {
    await Promise.all([inbox.erase(userId), mails.erase(userId), unread.erase(userId)]);
  }

  /**
   * Does `work` for a user who is not erased. Whoever is erased while it is done is looked at once more after it, and
   * what it made goes again: either the erasure removes it, or we see that there was one.
   */
  async function unlessErased(userId: string, work: () => Promise<void>): Promise<void> {
    if (await preferences.of(userId)) await work();
    if (!(await preferences.of(userId))) await clear(userId);
  }

  return {
    unlessErased,

    tell: (userId: string, { type, cause, at, link, text }: News): Promise<void> =>
      unlessErased(userId, async () => {
        const wishes = await preferences.of(userId);
        if (!wishes) return;
        const id = notificationId(at, cause, userId);
        const notification: Notification = { id, type, ...text(wishes.locale), link, createdAt: at };
        if (wishes.email[kindOf(type)]) await mails.add(userId, notification, wishes.locale);
        crashPoint("notification.mail.queued");
        const isNew = await inbox.add(userId, notification);
        crashPoint("notification.stored");
        if (isNew) deliver(userId, notification);
      }),

    /** Of their account: by mail alone, whatever their preferences. */
    account: (mail: AccountMail): Promise<void> =>
      unlessErased(mail.userId, async () => {
        const locale = await preferences.localeFor(mail.userId, mail.acceptLanguage, !isLinkKind(mail.kind));
        await mails.addAccount(mail, locale);
        crashPoint("notification.mail.queued");
      }),

    /** Everything about a user goes, and nothing more is made. */
    async erase(userId: string): Promise<void> {
      await preferences.erase(userId);
      await clear(userId);
    },
  };
}

export type Telling = ReturnType<typeof tellingOf>;
