import type { ServiceBroker, ServiceSchema } from "moleculer";
import { action, callerOf, callOf } from "../../lib/actions";
import { decodeCursor, toPage } from "../../lib/cursor";
import { notFound } from "../../lib/errors";
import { broadcast } from "../../lib/events";
import { nodeOf } from "../../lib/node";
import { Nothing } from "../../lib/schema";
import { now } from "../../lib/time";
import { collectionsMixin } from "../../mixins/collections.mixin";
import { maintenanceMixin } from "../../mixins/maintenance.mixin";
import { promptly, sweeperMixin } from "../../mixins/sweeper.mixin";
import { topicsMixin } from "../../mixins/topics.mixin";
import { factsOf } from "./facts";
import { inboxFor } from "./inbox";
import { mailStore } from "./mail.store";
import { AT_ONCE, mailerFor, tracedMailer } from "./mailer";
import { KEEP, orderLink } from "./notification";
import * as schema from "./notification.schema";
import { preferencesStore } from "./preferences";
import { sending } from "./sending";
import { tellingOf } from "./telling";
import { unreadStore } from "./unread.store";

/** Where a node is slow for so many milliseconds, no other sends its mail: twice is worse than late. */
const LEAST_MAIL_LEASE_MS = 5000;
const FORGET_EVERY_MS = 3600 * 1000;

/** Tells users what became of their orders and conversations: in the app, and by mail. */
export default function notificationService(broker: ServiceBroker): ServiceSchema {
  const node = nodeOf(broker);
  const { environment, metrics } = node;
  const { leaseMs } = environment;
  const mailLeaseMs = Math.max(leaseMs, LEAST_MAIL_LEASE_MS);
  const call = callOf(broker);

  const inbox = inboxFor(node);
  const preferences = preferencesStore(node.store);
  const mails = mailStore(node.store);
  const unread = unreadStore(node.store);
  const mailer = tracedMailer(mailerFor(environment), node.tracer, environment.mail.smtpUrl ? "smtp" : "mail-files");
  const telling = tellingOf({
    inbox,
    preferences,
    mails,
    unread,
    deliver: (userId, payload) =>
      broadcast(broker, "api.deliver", { to: { users: [userId] }, event: "notification", payload }),
  });
  const facts = factsOf({ telling, unread, call, unreadMs: environment.mail.unreadMs });
  const send = sending({
    store: mails,
    preferences,
    mailer,
    call,
    metrics,
    logger: broker.getLogger("notification"),
    webUrl: environment.webUrl,
    leaseMs: mailLeaseMs,
  });
  const needs = () => inbox.ping();
  let unmeasured: (() => void) | undefined;

  return {
    name: "notification",
    mixins: [
      sweeperMixin({
        collection: mails.mails,
        handle: send,
        leaseMs: mailLeaseMs,
        everyMs: promptly(leaseMs),
        atOnce: AT_ONCE,
      }),
      sweeperMixin({ collection: unread.unread, handle: facts.unread, leaseMs }),
      topicsMixin(broker),
      maintenanceMixin(FORGET_EVERY_MS, async () => {
        await Promise.all([inbox.forget(), mails.forget(), unread.forget()]);
      }),
      collectionsMixin(...preferences.collections, mails.mails, unread.unread, inbox, mailer),
    ],
    settings: { rest: "/" },

    actions: {
      list: action({
        rest: "GET /notifications",
        access: "signed-in",
        summary: "One's own notifications, the newest first",
        params: schema.ListParams,
        returns: schema.NotificationPage,
        retryable: true,
        async handler(ctx) {
          const { unread: onlyUnread = false, limit, cursor } = ctx.params;
          const [beforeId] = cursor === undefined ? [] : decodeCursor(cursor, 1).map(String);
          const found = await inbox.list(callerOf(ctx).id, { unread: onlyUnread, beforeId, limit: limit + 1 });
          return toPage(found, limit, ({ id }) => [id]);
        },
      }),

      read: action({
        rest: "POST /notifications/:id/read",
        access: "signed-in",
        summary: "Marks a notification as read",
        params: schema.ById,
        returns: schema.NotificationView,
        errors: [[404, "NOTIFICATION_NOT_FOUND"]],
        retryable: true,
        async handler(ctx) {
          const notification = await inbox.read(callerOf(ctx).id, ctx.params.id, now());
          if (!notification) throw notFound("NOTIFICATION_NOT_FOUND", "There is no such notification.");
          return notification;
        },
      }),

      readAll: action({
        rest: "POST /notifications/read-all",
        access: "signed-in",
        summary: "Marks all of one's notifications as read",
        params: schema.NoParams,
        returns: Nothing,
        status: 204,
        retryable: true,
        async handler(ctx) {
          await inbox.readAll(callerOf(ctx).id, now());
          return null;
        },
      }),

      preferences: action({
        rest: "GET /users/me/notification-preferences",
        access: "signed-in",
        summary: "How one is told: in which language, and what by mail",
        params: schema.NoParams,
        returns: schema.Preferences,
        handler: (ctx) => preferences.shown(callerOf(ctx).id, ctx.meta.acceptLanguage),
      }),

      changePreferences: action({
        rest: "PUT /users/me/notification-preferences",
        access: "signed-in",
        summary: "Changes how one is told; fields that are left out stay as they are",
        params: schema.ChangePreferences,
        returns: schema.Preferences,
        handler: (ctx) => preferences.change(callerOf(ctx).id, ctx.params, ctx.meta.acceptLanguage),
      }),

      ofOrder: action({
        params: schema.OfOrder,
        returns: schema.ToldOfOrder,
        retryable: true,
        async handler({ params: { userId, orderId } }) {
          const all = await inbox.list(userId, { unread: false, limit: KEEP });
          const about = all.filter(({ link }) => link === orderLink(orderId));
          const outcomes = await mails.outcomes(about.map(({ id }) => id));
          const items = about.map(({ id, type, createdAt, readAt }) => {
            const mail = outcomes.get(id);
            return { id, type, createdAt, ...(readAt && { readAt }), ...(mail && { mail }) };
          });
          return { items: items.reverse() };
        },
      }),

      mail: action({
        params: schema.AccountMail,
        returns: Nothing,
        retryable: true,
        async handler({ params }) {
          await telling.account(params);
          return null;
        },
      }),

      erase: action({
        params: schema.EraseParams,
        returns: Nothing,
        retryable: true,
        async handler({ params }) {
          await telling.erase(params.userId);
          return null;
        },
      }),
    },

    topics: {
      "order-event": { group: "notification", handler: facts.order, needs },
      "chat-message": { group: "notification", handler: facts.chat, needs },
    },

    started() {
      if (environment.production && !environment.mail.smtpUrl)
        this.logger.warn("SMTP_URL is not set: mails are files, those with links to a new password among them");
      unmeasured = metrics.mailsWaiting.measure({}, () => mails.waiting());
    },

    async stopped() {
      unmeasured?.();
    },
  };
}
