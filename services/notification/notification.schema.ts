import { Id, ItemsOf, OneOf, PageOf, pageParams, type Static, Strict, Timestamp, Type } from "../../lib/schema";
import { LOCALES } from "./locale";

export const TYPES = [
  "order.paid",
  "order.cancelled",
  "order.shipped",
  "order.delivered",
  "order.refunded",
  "chat.unread",
] as const;

export const NotificationView = Type.Object({
  id: Id,
  type: OneOf(...TYPES),
  title: Type.String(),
  body: Type.String(),
  link: Type.String({ description: "a path below the shop's web address" }),
  createdAt: Timestamp,
  readAt: Type.Optional(Timestamp),
});
export type NotificationView = Static<typeof NotificationView>;
export const NotificationPage = PageOf(NotificationView);

export const ListParams = Strict({
  unread: Type.Optional(Type.Boolean({ description: "true: only what was not read" })),
  ...pageParams,
});
export const ById = Strict({ id: Id });
export const NoParams = Strict({});

const Locale = OneOf(...LOCALES);
export const Preferences = Type.Object({
  locale: Locale,
  email: Type.Object({ order: Type.Boolean(), chat: Type.Boolean() }),
});
export type Preferences = Static<typeof Preferences>;
export const ChangePreferences = Strict({
  locale: Type.Optional(Locale),
  email: Type.Optional(Strict({ order: Type.Optional(Type.Boolean()), chat: Type.Optional(Type.Boolean()) })),
});
export type PreferencesChange = Static<typeof ChangePreferences>;

/** How somebody was told of an order. */
export const OfOrder = Strict({ userId: Id, orderId: Id });
export const ToldOfOrder = ItemsOf(
  Type.Object({
    id: Id,
    type: OneOf(...TYPES),
    createdAt: Timestamp,
    readAt: Type.Optional(Timestamp),
    mail: Type.Optional(Type.String({ description: "`waiting`, or how it ended; absent where none was made" })),
  }),
);

export const EraseParams = Strict({ userId: Id });

/** Mails with a link that only their reader gets; the token in it is made when the mail goes. */
export const LINK_MAILS = ["email.verification", "password.reset"] as const;
/** What somebody is told of because it may not have been they who did it. */
export const NOTICES = [
  "password.changed",
  "mfa.enabled",
  "mfa.disabled",
  "mfa.recovery-code-used",
  "provider.linked",
  "provider.unlinked",
] as const;

export const AccountMail = Strict({
  id: Id,
  userId: Id,
  kind: OneOf(...LINK_MAILS, ...NOTICES),
  /** When what it tells of was done or asked for. */
  at: Timestamp,
  /** `Accept-Language` of whoever did it, for users who chose no language; for a notice, whose language is not known at all. */
  acceptLanguage: Type.Optional(Type.String({ maxLength: 256 })),
  /** From where it was done. */
  userAgent: Type.Optional(Type.String({ maxLength: 256 })),
  ip: Type.Optional(Type.String({ maxLength: 64 })),
  /** Recovery codes that are left after one was used. */
  codesLeft: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
  /** A provider's name as people know it. */
  provider: Type.Optional(Type.String({ maxLength: 64 })),
});
