import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { newId } from "../../lib/ids";
import { nodeOf } from "../../lib/node";
import { LOCALES, type Locale } from "../../services/notification/locale";
import type { AccountMail } from "../../services/notification/notification.contract";
import { NOTICES } from "../../services/notification/notification.schema";
import { type Account, metaOf, register } from "./auth.accounts";
import { readMail, tokenOf } from "./mail.parts";
import { eventually } from "./node";
import { RecoveryLab, WEB_URL } from "./recovery.parts";

let lab: RecoveryLab;
beforeAll(async () => {
  lab = await RecoveryLab.start();
});
afterAll(() => lab.stop());

const AT = "2026-11-24T20:02:00.000Z";
const TIMES: Record<Locale, string> = { ko: "2026년 11월 25일 05:02 (KST)", en: "24 November 2026 at 20:02 UTC" };

/** Asks for a mail as `auth` does; answers the mail's id. */
async function tell({ user }: Account, mail: Partial<AccountMail> = {}): Promise<string> {
  const asked = { id: newId(), userId: user.id, kind: "password.changed" as const, at: AT, ...mail };
  await lab.node.call("notification.mail", asked);
  return asked.id;
}
const newest = async (account: Account, count = 1) => (await lab.mails(lab.emailOf(account), count)).at(-1);
const prefer = (account: Account, preferences: object) =>
  lab.node.as(metaOf(account), "notification.changePreferences", preferences);

const TITLES: Record<Locale, Record<(typeof NOTICES)[number], string>> = {
  ko: {
    "password.changed": "비밀번호가 변경되었습니다",
    "mfa.enabled": "2단계 인증을 사용합니다",
    "mfa.disabled": "2단계 인증이 해제되었습니다",
    "mfa.recovery-code-used": "복구 코드가 사용되었습니다",
    "provider.linked": "카카오 계정이 연결되었습니다",
    "provider.unlinked": "카카오 계정 연결이 해제되었습니다",
  },
  en: {
    "password.changed": "Your password was changed",
    "mfa.enabled": "Two-step verification is on",
    "mfa.disabled": "Two-step verification is off",
    "mfa.recovery-code-used": "A recovery code was used",
    "provider.linked": "카카오 was connected to your account",
    "provider.unlinked": "카카오 was disconnected from your account",
  },
};

describe.each(LOCALES)("in %s", (locale) => {
  test.each(NOTICES)("%s is told with when and where it was done, and what to do", async (kind) => {
    const account = await register(lab.node);
    const client = { ip: "2001:db8::7", userAgent: "Browser 1.0 (Phone)", provider: "카카오" };
    await tell(account, { kind, acceptLanguage: locale, ...client });
    const mail = await newest(account);
    expect(mail?.subject).toBe(TITLES[locale][kind]);
    for (const body of [mail?.text, mail?.html])
      for (const piece of [TIMES[locale], client.ip, client.userAgent, `${WEB_URL}/forgot-password`])
        expect(body).toContain(piece);
    expect(mail?.links).toEqual([`${WEB_URL}/forgot-password`, `${WEB_URL}/account/security`]);
    expect(mail?.html).toContain(`<html lang="${locale}">`);
    expect(mail?.headers).not.toHaveProperty("list-unsubscribe");
    expect(mail?.text).not.toContain("/settings/notifications");
  });

  test("links to a new password and to the proof of an address work", async () => {
    const account = await register(lab.node);
    const email = lab.emailOf(account);
    const meta = lab.client({ acceptLanguage: locale });
    await lab.node.as({ ...meta, ...metaOf(account) }, "auth.requestVerification");
    const proof = (await lab.mails(email)).at(-1);
    await lab.forgot(email, meta);
    const reset = (await lab.mails(email, 2)).at(-1);
    const subjects = {
      ko: ["이메일 주소를 확인해 주세요", "비밀번호 재설정 안내"],
      en: ["Please confirm your email address", "Choose a new password"],
    };
    expect([proof?.subject, reset?.subject]).toEqual(subjects[locale]);
    for (const mail of [proof, reset]) {
      expect(mail?.html).toContain(`href="${mail?.links[0]}"`);
      expect(mail?.headers).not.toHaveProperty("list-unsubscribe");
      expect(mail?.text).not.toMatch(/undefined|null|Invalid/);
    }
    await expect(lab.verify(tokenOf(proof as never))).resolves.toBeNull();
    await expect(lab.reset(tokenOf(reset as never), "violet tractor lampshade")).resolves.toBeNull();
  });
});

test("a mail is sent once for its id, and says how many recovery codes are left", async () => {
  const account = await register(lab.node);
  const mail = { id: newId(), kind: "mfa.recovery-code-used" as const, codesLeft: 7, acceptLanguage: "en" };
  await Promise.all([tell(account, mail), tell(account, mail)]);
  expect((await newest(account))?.text).toContain("Recovery codes left: 7.");
  await tell(account, mail);
  await tell(account);
  await lab.mails(lab.emailOf(account), 2);
  expect(lab.server.at(lab.emailOf(account))).toHaveLength(2);
});

test("the language is the chosen one, else that of the request, else the one heard before, else Korean", async () => {
  const account = await register(lab.node);
  await tell(account);
  expect((await newest(account))?.subject).toBe(TITLES.ko["password.changed"]);
  await lab.node.as({ ...metaOf(account), acceptLanguage: "en" }, "notification.preferences");
  await tell(account);
  expect((await newest(account, 2))?.subject).toBe(TITLES.en["password.changed"]);
  await tell(account, { acceptLanguage: "ko-KR" });
  expect((await newest(account, 3))?.subject).toBe(TITLES.ko["password.changed"]);
  await prefer(account, { locale: "en" });
  await tell(account, { acceptLanguage: "ko-KR" });
  expect((await newest(account, 4))?.subject).toBe(TITLES.en["password.changed"]);
});

test("preferences do not switch it off", async () => {
  const account = await register(lab.node);
  await prefer(account, { email: { order: false, chat: false } });
  await tell(account);
  expect(await newest(account)).toBeDefined();
});

test("what a client says of itself is one line of text without links", async () => {
  const account = await register(lab.node);
  const userAgent = `<img src=x>\r\nBcc: someone@example.com\r\nhttps://evil.example/ ${"x".repeat(150)}`;
  await tell(account, { userAgent, acceptLanguage: "en" });
  const mail = await newest(account);
  expect(mail?.headers).not.toHaveProperty("bcc");
  expect(mail?.links).toHaveLength(2);
  expect(mail?.html).not.toMatch(/<img|evil\.example/);
  const line = mail?.text.split("\n").find((one) => one.startsWith("Device: "));
  expect([...(line ?? "")].length).toBeLessThan(180);
});

test("nothing goes to the erased, to whom there is not, or without an address", async () => {
  const account = await register(lab.node);
  await lab.node.as(metaOf(account), "user.eraseMe");
  const nameless = { ...account, user: { ...account.user, id: newId() } };
  await lab.node.call("user.create", { id: nameless.user.id, email: null, name: "Kim" });
  const dropped = await lab.counted("dropped");
  for (const recipient of [account, nameless, { ...account, user: { ...account.user, id: newId() } }])
    await tell(recipient);
  await eventually(async () => (await lab.counted("dropped")) === dropped + 2);
  expect(lab.server.at(lab.emailOf(account))).toEqual([]);
});

test("a mail that waits holds nothing that opens anything, and one that went nothing of its content", async () => {
  const account = await register(lab.node);
  const token = await lab.forgotten(account);
  await eventually(async () => (await nodeOf(lab.node.broker).metrics.mailsWaiting.samples())[0]?.value === 0);
  const files = readdirSync(lab.node.dataDir, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".db"),
  );
  const stored = files.map((name) => readFileSync(join(lab.node.dataDir, name), "utf8")).join("\n");
  expect(stored).toContain(account.user.id);
  expect(stored).not.toContain(token);
});

test("without a mail server each mail is a file, with a link that works", async () => {
  const files = await RecoveryLab.start({ SMTP_URL: "" });
  const account = await register(files.node);
  await files.forgot(files.emailOf(account));
  const folder = join(files.node.dataDir, "mail");
  const [file] = await eventually(() => {
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".eml")) : [];
    return names.length > 0 && names;
  });
  const mail = readMail(readFileSync(join(folder, file ?? ""), "utf8"));
  await expect(files.reset(tokenOf(mail), "violet tractor lampshade")).resolves.toBeNull();
  expect(files.server.mails).toEqual([]);
  await files.stop();
});
