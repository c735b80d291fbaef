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
