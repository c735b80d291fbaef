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
const DEVICE: Record<Locale, string> = { ko: "기기", en: "Device" };
const PHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";

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
    const client = { ip: "2001:db8::7", userAgent: PHONE, provider: "카카오" };
    await tell(account, { kind, acceptLanguage: locale, ...client });
    const mail = await newest(account);
    expect(mail?.subject).toBe(TITLES[locale][kind]);
    for (const body of [mail?.text, mail?.html])
      for (const piece of [TIMES[locale], client.ip, `${DEVICE[locale]}: Safari, iPhone`, `${WEB_URL}/forgot-password`])
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

const reads = (account: Account, acceptLanguage: string) =>
  lab.node.as({ ...metaOf(account), acceptLanguage }, "notification.preferences");

test("whoever acts does not choose the language of the warning: it is the chosen one, else the one heard before, else theirs, else Korean", async () => {
  const account = await register(lab.node);
  await tell(account);
  expect((await newest(account))?.subject).toBe(TITLES.ko["password.changed"]);
  await tell(account, { acceptLanguage: "en" });
  expect((await newest(account, 2))?.subject).toBe(TITLES.en["password.changed"]);
  await reads(account, "ko-KR");
  await tell(account, { acceptLanguage: "en" });
  expect((await newest(account, 3))?.subject).toBe(TITLES.ko["password.changed"]);
  await prefer(account, { locale: "en" });
  await tell(account, { acceptLanguage: "ko-KR" });
  expect((await newest(account, 4))?.subject).toBe(TITLES.en["password.changed"]);
});

test("the language of a link is the chosen one, else that of the request, else the one heard before", async () => {
  const account = await register(lab.node);
  const email = lab.emailOf(account);
  const asked = async (acceptLanguage: string | undefined, count: number) => {
    await lab.forgot(email, lab.client({ acceptLanguage }));
    return (await lab.mails(email, count)).at(-1)?.subject;
  };
  await reads(account, "en");
  await expect(asked(undefined, 1)).resolves.toBe("Choose a new password");
  await expect(asked("ko-KR", 2)).resolves.toBe("비밀번호 재설정 안내");
  await prefer(account, { locale: "en" });
  await expect(asked("ko-KR", 3)).resolves.toBe("Choose a new password");
});

test("preferences do not switch it off", async () => {
  const account = await register(lab.node);
  await prefer(account, { email: { order: false, chat: false } });
  await tell(account);
  expect(await newest(account)).toBeDefined();
});

test("nothing that a client says of itself is in a mail, only what we know it as", async () => {
  const account = await register(lab.node);
  const claim = "Your account is BLOCKED call 010-1234-5678\r\nBcc: someone@example.com <img src=x>";
  await tell(account, { userAgent: claim, acceptLanguage: "en" });
  await tell(account, { userAgent: `${claim} (Windows NT 10.0) Chrome/126.0`, acceptLanguage: "en" });
  const mails = await lab.mails(lab.emailOf(account), 2);
  for (const mail of mails) {
    expect(mail.headers).not.toHaveProperty("bcc");
    for (const body of [mail.text, mail.html]) expect(body).not.toMatch(/BLOCKED|010-|someone@|img/);
  }
  const lines = mails.map(({ text }) => /^Device: .*$/m.exec(text)?.[0]);
  expect(lines.sort()).toEqual(["Device: Chrome, Windows", undefined]);
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
