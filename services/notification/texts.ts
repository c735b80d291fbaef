import type { EventMap } from "../../lib/events";
import type { Money } from "../../lib/money";
import { HIDDEN_CHARACTERS } from "../../lib/schema";
import type { Locale } from "./locale";
import type { NotificationType } from "./notification";

export interface Text {
  title: string;
  body: string;
}

/** The longest reason that is told; people write more than fits a notification. */
const REASON_LENGTH = 200;

/** Text of somebody else's on one line, without characters that end lines or reorder what is beside them. */
export const oneLine = (text: string, maxLength = REASON_LENGTH): string => {
  const characters = [...text.replace(HIDDEN_CHARACTERS, " ").replace(/ {2,}/g, " ").trim()];
  return characters.length > maxLength ? `${characters.slice(0, maxLength - 1).join("")}…` : characters.join("");
};

const TAGS: Record<Locale, string> = { ko: "ko-KR", en: "en-US" };

/** An amount as people of that language write it. Throws for what is no currency's code. */
export function moneyText({ amount, currency }: Money, locale: Locale): string {
  const format = new Intl.NumberFormat(TAGS[locale], { style: "currency", currency });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 0));
}

const lines = (...parts: (string | false | undefined)[]) => parts.filter(Boolean).join("\n");

export type OrderNews = Exclude<NotificationType, "chat.unread">;

type Told = { [T in OrderNews]: EventMap[T]["data"] } & { "chat.unread": { unread: number; isAgent: boolean } };
type Texts = { [T in keyof Told]: (data: Told[T]) => Text };

const ko: Texts = {
  "order.paid": ({ number, totals }) => ({
    title: "결제가 완료되었습니다",
    body: `주문 ${oneLine(number)}의 결제 ${moneyText(totals.total, "ko")}이(가) 완료되었습니다. 배송을 준비하겠습니다.`,
  }),
  "order.cancelled": ({ number, reason, amount }) => ({
    title: "주문이 취소되었습니다",
    body: lines(
      reason === "expired"
        ? `결제 시간이 지나 주문 ${oneLine(number)}이(가) 취소되었습니다.`
        : `주문 ${oneLine(number)}이(가) 취소되었습니다.`,
      reason !== "expired" && `사유: ${oneLine(reason)}`,
      amount && `환불 금액: ${moneyText(amount, "ko")}`,
    ),
  }),
  "order.shipped": ({ number }) => ({
    title: "상품이 발송되었습니다",
    body: `주문 ${oneLine(number)}의 배송이 시작되었습니다.`,
  }),
  "order.delivered": ({ number }) => ({
    title: "배송이 완료되었습니다",
    body: `주문 ${oneLine(number)}의 배송이 완료되었습니다.`,
  }),
  "order.refunded": ({ number, reason, amount }) => ({
    title: "환불이 완료되었습니다",
    body: lines(
      `주문 ${oneLine(number)}에서 ${moneyText(amount, "ko")}을(를) 환불해 드렸습니다.`,
      `사유: ${oneLine(reason)}`,
    ),
  }),
  "chat.unread": ({ unread, isAgent }) => ({
    title: isAgent ? "읽지 않은 고객 메시지가 있습니다" : "읽지 않은 상담 메시지가 있습니다",
    body: `읽지 않은 메시지가 ${unread}개 있습니다.`,
  }),
};

const en: Texts = {
  "order.paid": ({ number, totals }) => ({
    title: "Payment received",
    body: `Your payment of ${moneyText(totals.total, "en")} for order ${oneLine(number)} is complete. We are getting it ready.`,
  }),
  "order.cancelled": ({ number, reason, amount }) => ({
    title: "Order cancelled",
    body: lines(
      reason === "expired"
        ? `The time to pay for order ${oneLine(number)} is over, so it was cancelled.`
        : `Order ${oneLine(number)} was cancelled.`,
      reason !== "expired" && `Reason: ${oneLine(reason)}`,
      amount && `Given back: ${moneyText(amount, "en")}`,
    ),
  }),
  "order.shipped": ({ number }) => ({ title: "Order shipped", body: `Order ${oneLine(number)} is on its way.` }),
  "order.delivered": ({ number }) => ({ title: "Order delivered", body: `Order ${oneLine(number)} has arrived.` }),
  "order.refunded": ({ number, reason, amount }) => ({
    title: "Refund completed",
    body: lines(
      `We have given back ${moneyText(amount, "en")} of order ${oneLine(number)}.`,
      `Reason: ${oneLine(reason)}`,
    ),
  }),
  "chat.unread": ({ unread, isAgent }) => ({
    title: isAgent ? "Unread messages from a customer" : "Unread messages from support",
    body:
      unread === 1 ? "There is one message that you have not read." : `${unread} messages wait for you to read them.`,
  }),
};

const texts: Record<Locale, Texts> = { ko, en };

/** What a user reads of something that happened, in their language. */
export const textOf = <T extends keyof Told>(type: T, data: Told[T], locale: Locale): Text => texts[locale][type](data);
