import type { Received } from "../lib/topics/topics";
import type { OrderStory } from "../services/order/operations.schema";
import type { PaymentStory } from "../services/payment/operations.schema";
import { money } from "./text";

/** One thing that happened. */
export interface Moment {
  /** RFC 3339. */
  at: string;
  where: string;
  what: string;
  bad?: boolean;
}

export interface Told {
  type: string;
  createdAt: string;
  readAt?: string;
  mail?: string;
}

const because = (reason: string | undefined): string => (reason ? `: ${reason}` : "");

export function momentsOfOrder(order: OrderStory): Moment[] {
  const { customerId, createdAt, history, refunds, failed, waiting } = order;
  const by = (id: string) => (id === customerId ? "its customer" : id);
  return [
    { at: createdAt, where: "order", what: "made" },
    ...history.map((entry) => ({
      at: entry.at,
      where: "order",
      what: `${entry.status} by ${by(entry.by)}${because(entry.reason)}`,
    })),
    ...refunds.map(({ at, amount, status, reason, code }) => ({
      at,
      where: "order",
      what: `refund of ${money(amount)} ${status}${because(code ?? reason)}`,
      bad: status === "failed",
    })),
    ...(failed
      ? [
          {
            at: failed.at,
            where: "order",
            what: `${order.work} failed ${failed.times} times${because(failed.error)}`,
            bad: true,
          },
        ]
      : []),
    ...waiting.map(({ time, type }) => ({
      at: time,
      where: "outbox",
      what: `${type} waits to be published`,
      bad: true,
    })),
  ];
}

export function momentsOfPayment(payment: PaymentStory): Moment[] {
  const { provider, attempts, refunds, closed, webhooks, createdAt, amount } = payment;
  return [
    { at: createdAt, where: "payment", what: `${money(amount)} prepared at ${provider}` },
    ...attempts.map(({ key, state, at, code }) => ({
      at,
      where: "payment",
      what: `charge ${key} ${state}${because(code)}`,
      bad: state === "asked" || state === "declined",
    })),
    ...refunds.map(({ amount: back, state, at, code, reason }) => ({
      at,
      where: "payment",
      what: `refund of ${money(back)} ${state}${because(code ?? reason)}`,
      bad: state !== "done",
    })),
    ...(closed ? [{ at: closed.at, where: "payment", what: `closed: ${closed.reason}` }] : []),
    ...webhooks.flatMap(({ receivedAt, handledAt }) => [
      { at: receivedAt, where: "webhook", what: `received from ${provider}` },
      ...(handledAt ? [{ at: handledAt, where: "webhook", what: "handled" }] : []),
    ]),
  ];
}

function eventOf({ value, partition, offset }: Received): Moment[] {
  try {
    const { time, type } = JSON.parse(value) as { time: string; type: string };
    return [{ at: time, where: "topic", what: `${type} at ${partition}/${offset}` }];
  } catch {
    return [];
  }
}

/** Of an event that stands in the topic several times, the first. */
export function momentsOfEvents(found: Received[]): Moment[] {
  const ids = new Map(found.map((message) => [idOf(message), message] as const).reverse());
  return [...ids.values()].flatMap(eventOf);
}

function idOf({ value, partition, offset }: Received): string {
  try {
    return (JSON.parse(value) as { id: string }).id;
  } catch {
    return `${partition}/${offset}`;
  }
}

export const momentsOfNotifications = (told: Told[]): Moment[] =>
  told.flatMap(({ type, createdAt, readAt, mail }) => [
    { at: createdAt, where: "notified", what: `${type}${mail ? `, mail ${mail}` : ""}` },
    ...(readAt ? [{ at: readAt, where: "notified", what: `${type} read` }] : []),
  ]);
