import { won } from "../../lib/money";
import { localeOf } from "../../services/notification/locale";
import { escapeHtml, renderMail, withoutLinks } from "../../services/notification/mail";
import { notificationId, oldestKept } from "../../services/notification/notification";
import { moneyText, oneLine, textOf } from "../../services/notification/texts";

const WEB = "https://shop.example";
const order = {
  orderId: "o1",
  number: "20260101-ABCD",
  customerId: "c1",
  status: "paid" as const,
  items: [{ sku: "A", quantity: 1 }],
  totals: { items: won(12_000), shipping: won(900), total: won(12_900) },
};

describe("a language", () => {
  test.each([
    ["en", "en"],
    ["ko-KR,ko;q=0.9,en;q=0.8", "ko"],
    ["de, en;q=0.5, ko;q=0.7", "ko"],
    ["EN-gb", "en"],
    ["ko;q=0, en;q=0.1", "en"],
    ["kok", undefined],
    ["de-DE", undefined],
    ["en;q=much", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("asked for as %j is %j", (header, locale) => {
    expect(localeOf(header)).toBe(locale);
  });
});

describe("an id", () => {
  const at = "2026-05-01T10:00:00.000Z";
  test("is the same for the same causes and another for any other", () => {
    const id = notificationId(at, "event", "user");
    expect(notificationId(at, "event", "user")).toBe(id);
    for (const others of [["event", "user2"], ["event2", "user"], ["eventuser"], ["even", "tuser"]])
      expect(notificationId(at, ...others)).not.toBe(id);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test("sorts by time, and by it what is too old is known", () => {
    const ids = [10, 11, 59].map((second) => notificationId(`2026-05-01T10:00:${second}.000Z`, "z", String(second)));
    expect([...ids].sort()).toEqual(ids);
    const daysAgo = (days: number) => notificationId(new Date(Date.now() - days * 86_400_000).toISOString(), "e", "u");
    expect(daysAgo(91) < oldestKept()).toBe(true);
    expect(daysAgo(89) > oldestKept()).toBe(true);
    expect(() => notificationId("yesterday", "e")).toThrow(TypeError);
  });
});

describe("a text", () => {
  test("says in both languages what was given back, and why", () => {
    const refunded = { ...order, reason: "broken", amount: won(5000) };
    expect(textOf("order.refunded", refunded, "en").body).toBe(
      "We have given back ₩5,000 of order 20260101-ABCD.\nReason: broken",
    );
    expect(textOf("order.refunded", refunded, "ko").body).toBe(
      "주문 20260101-ABCD에서 ₩5,000을(를) 환불해 드렸습니다.\n사유: broken",
    );
  });

  test.each(["ko", "en"] as const)("in %s tells an order that expired from one that somebody cancelled", (locale) => {
    const expired = textOf("order.cancelled", { ...order, reason: "expired" }, locale).body;
    const cancelled = textOf("order.cancelled", { ...order, reason: "too late", amount: won(700) }, locale).body;
    expect(expired).not.toContain("expired");
    expect(expired.split("\n")).toHaveLength(1);
    expect(cancelled).toContain("too late");
    expect(cancelled).toContain("₩700");
  });

  test("keeps what others wrote on one line, in its order and short", () => {
    const told = textOf("order.cancelled", { ...order, reason: "a\r\nBcc: x@y.z\u202Egnp\u2028b\u0000" }, "en").body;
    expect(told.split("\n")).toHaveLength(2);
    expect(told).toContain("Reason: a Bcc: x@y.z gnp b");
    expect([...oneLine("🎁".repeat(500))]).toHaveLength(200);
  });

  test("writes amounts with as many digits as the currency has", () => {
    expect(moneyText({ amount: 12_345, currency: "USD" }, "en")).toBe("$123.45");
    expect(moneyText(won(12_345), "ko")).toBe("₩12,345");
  });
});

describe("a mail", () => {
  const letter = { title: "Paid", body: "One\nTwo", link: "/orders/o1", locale: "en" as const };

  test.each([
    ["ko", "안녕하세요", "메일 수신 설정 바꾸기"],
    ["en", "Hello Kim,", "Change which mails you get"],
  ] as const)("in %s greets, links to what it is about and to the preferences", (locale, greeting, change) => {
    const { subject, text, html } = renderMail({ ...letter, locale }, "Kim", WEB);
    expect(subject).toBe("Paid");
    for (const part of [text, html]) {
      for (const piece of [greeting, change, `${WEB}/orders/o1`, `${WEB}/settings/notifications`, "One", "Two"])
        expect(part).toContain(piece);
    }
    expect(html).toContain(`lang="${locale}"`);
  });

  test("takes nothing that others wrote for markup", () => {
    const evil = `<script>alert("1")</script>&'`;
    const { html } = renderMail({ ...letter, title: evil, body: evil, link: `/orders/"><img>` }, evil, WEB);
    expect(html).not.toMatch(/<(script|img)/);
    expect(html).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;");
    expect(html).toContain('href="https://shop.example/orders/&quot;&gt;&lt;img&gt;"');
    expect(escapeHtml(`<>&"'`)).toBe("&lt;&gt;&amp;&quot;&#39;");
  });

  test("makes no link and no header of a name", () => {
    const { text, html, subject } = renderMail(
      { ...letter, title: "a\r\nBcc: b@c.d" },
      "Win at https://evil.example/x\r\nX: y",
      WEB,
    );
    for (const part of [text, html]) expect(part).not.toMatch(/https:\/\/evil|evil\.example/);
    expect(text).toContain("Hello Win at https:\u200B//evil.\u200Bexample/x X: y,");
    expect(subject).toBe("a Bcc: b@c.d");
    expect(withoutLinks("12,900.50 at 3.14")).toBe("12,900.50 at 3.14");
  });
});
