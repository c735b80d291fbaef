import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type NotificationCrashPoint,
  notificationCrashPoints,
} from "../../services/notification/notification.crash-points";
import { eventually } from "./node";
import { MailServer, NotificationLab, Others } from "./notification.parts";
import { killedAt } from "./victims";

interface Victim {
  customerId: string;
  conversationId: string;
}

/** Resolves when the process was killed at the point; rejects when it got past it. */
const crash = (dataDir: string, smtpUrl: string, story: string, at: NotificationCrashPoint) =>
  killedAt<Victim>("notification.victim", at, { DATA_DIR: dataDir, SMTP_URL: smtpUrl, STORY: story });

const server = new MailServer();
beforeAll(() => server.start());
afterAll(() => server.stop());

const cases: [NotificationCrashPoint, string, number][] = [
  ["notification.mail.queued", "order", 1],
  ["notification.stored", "order", 1],
  ["notification.stored", "chat", 1],
  ["notification.unread.told", "chat", 1],
  // The server has it and nobody noted that: sent again, under the same id.
  ["notification.mail.sent", "order", 2],
];

it("every crash point is tried", () => {
  expect(new Set(cases.map(([at]) => at))).toEqual(new Set(notificationCrashPoints));
});

it.each(cases)("killed at %s (%s), the next process tells it once", async (at, story, sendings) => {
  const dataDir = mkdtempSync(join(tmpdir(), "shop-"));
  const { customerId, conversationId } = await crash(dataDir, server.url, story, at);
  const others = new Others();
  others.users.set(customerId, { email: `${customerId}@example.com`, name: "Kim" });
  others.unread.set(`${conversationId}:${customerId}`, 1);
  const lab = await NotificationLab.start({ DATA_DIR: dataDir, SMTP_URL: server.url }, others);
  await lab.handled();
  await eventually(async () => (await lab.inbox(customerId)).items.length === 1, 15_000);
  await eventually(() => server.to(customerId).length === sendings, 15_000);
  await lab.settled();
  const ids = server.to(customerId).map(({ text }) => /^Message-ID: (.+)$/im.exec(text)?.[1]);
  expect(ids).toHaveLength(sendings);
  expect(new Set(ids).size).toBe(1);
  expect((await lab.inbox(customerId)).items).toHaveLength(1);
  await lab.stop();
  rmSync(dataDir, { recursive: true });
});
