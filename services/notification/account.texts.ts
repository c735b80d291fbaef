import type { Locale } from "./locale";
import type { AccountMail } from "./notification.contract";
import type { LINK_MAILS, NOTICES } from "./notification.schema";
import { oneLine } from "./texts";

/** What became of an account, or is asked of its owner, and what was seen of whoever did it. */
export type AccountNews = Omit<AccountMail, "id" | "userId" | "acceptLanguage">;
export type LinkKind = (typeof LINK_MAILS)[number];
type NoticeKind = (typeof NOTICES)[number];

interface Notice {
  title: string;
  told: string;
}

interface Asked extends Notice {
  /** What following the link does. */
  follow: string;
  ifNotYou: string;
}

/** All that mails about accounts say in one language. */
interface AccountTexts {
  links: Record<LinkKind, Asked>;
  /** How long a link is good. */
  until: (time: string) => string;
  keepIt: string;
  notices: Record<NoticeKind, (news: AccountNews) => Notice>;
  facts: { when: string; address: string; device: string };
  ifYou: string;
  ifNotYou: string;
  newPassword: string;
  lookAround: string;
  security: string;
  why: string;
}

const NAME_LENGTH = 40;
const nameOf = ({ provider }: AccountNews, otherwise: string) => oneLine(provider ?? otherwise, NAME_LENGTH);

const ko: AccountTexts = {
  links: {
    "email.verification": {
      title: "이메일 주소를 확인해 주세요",
      told: "아래 링크를 누르시면 이 이메일 주소가 회원님의 주소로 확인됩니다.",
      follow: "이메일 주소 확인하기",
      ifNotYou:
        "요청하신 적이 없다면 링크를 누르지 마세요. 누르지 않으시면 이 주소는 확인되지 않습니다. " +
        "회원님의 계정에서 다른 사람이 요청한 것 같다면 새 비밀번호를 정해 주세요.",
    },
    "password.reset": {
      title: "비밀번호 재설정 안내",
      told:
        "이 이메일 주소로 가입한 계정의 비밀번호를 재설정해 달라는 요청을 받았습니다. 아래 링크에서 새 비밀번호를 정해 주세요. " +
        "새 비밀번호를 정하시면 모든 기기에서 로그아웃됩니다.",
      follow: "새 비밀번호 정하기",
      ifNotYou:
        "요청하신 적이 없다면 이 메일은 무시하셔도 됩니다. 링크를 쓰지 않으면 비밀번호는 바뀌지 않습니다. " +
        "이런 메일이 거듭 온다면 계정 보안을 살펴봐 주세요.",
    },
  },
  until: (time) => `이 링크는 ${time}까지, 한 번만 쓸 수 있습니다.`,
  keepIt: "링크를 다른 사람에게 알려 주지 마세요. 저희는 전화나 메일로 링크나 비밀번호를 묻지 않습니다.",
  notices: {
    "password.changed": () => ({
      title: "비밀번호가 변경되었습니다",
      told: "계정의 비밀번호가 변경되었습니다. 안전을 위해 다른 기기에서는 모두 로그아웃되었습니다.",
    }),
    "mfa.enabled": () => ({
      title: "2단계 인증을 사용합니다",
      told: "이제 로그인할 때 인증 앱의 코드도 입력해야 합니다. 복구 코드는 휴대전화와 다른 안전한 곳에 보관해 주세요.",
    }),
    "mfa.disabled": () => ({
      title: "2단계 인증이 해제되었습니다",
      told: "이제 로그인할 때 인증 앱의 코드를 묻지 않으며, 이전의 복구 코드는 더 이상 쓸 수 없습니다.",
    }),
    "mfa.recovery-code-used": ({ codesLeft }) => ({
      title: "복구 코드가 사용되었습니다",
      told: [
        "인증 앱의 코드 대신 복구 코드가 사용되었습니다. 사용된 코드는 다시 쓸 수 없습니다.",
        codesLeft !== undefined && `남은 복구 코드는 ${codesLeft}개입니다.`,
      ]
        .filter(Boolean)
        .join(" "),
    }),
    "provider.linked": (news) => ({
      title: `${nameOf(news, "외부")} 계정이 연결되었습니다`,
      told: `이제 ${nameOf(news, "외부")} 계정으로도 로그인할 수 있습니다.`,
    }),
    "provider.unlinked": (news) => ({
      title: `${nameOf(news, "외부")} 계정 연결이 해제되었습니다`,
      told: `이제 ${nameOf(news, "외부")} 계정으로는 로그인할 수 없습니다.`,
    }),
  },
  facts: { when: "일시", address: "IP 주소", device: "기기" },
  ifYou: "본인이 하신 일이라면 더 하실 것이 없습니다.",
  ifNotYou:
    "본인이 하신 일이 아니라면 다른 사람이 계정에 들어왔을 수 있습니다. 지금 바로 새 비밀번호를 정해 주세요. " +
    "그러면 모든 기기에서 로그아웃됩니다.",
  newPassword: "새 비밀번호 정하기",
  lookAround: "로그인 방법, 2단계 인증, 로그인된 기기는 계정 보안에서 확인하실 수 있습니다.",
  security: "계정 보안 살펴보기",
  why: "이 메일은 계정의 안전을 위해 알림 설정과 관계없이 회원님께 보내 드립니다.",
};

const en: AccountTexts = {
  links: {
    "email.verification": {
      title: "Please confirm your email address",
      told: "Follow the link below to confirm that this email address is yours.",
      follow: "Confirm the email address",
      ifNotYou:
        "If you did not ask for this, do not follow the link: without it the address is not confirmed. " +
        "If it is your account and somebody else asked, choose a new password.",
    },
    "password.reset": {
      title: "Choose a new password",
      told:
        "We were asked to reset the password of the account with this email address. Follow the link below to choose a new one. " +
        "You will then be signed out on every device.",
      follow: "Choose a new password",
      ifNotYou:
        "If you did not ask for this, you need not do anything: your password stays as it is unless the link is used. " +
        "If such mails keep coming, please look at your account's security.",
    },
  },
  until: (time) => `The link works once, until ${time}.`,
  keepIt: "Do not share the link. We never ask for it, or for your password, by phone or mail.",
  notices: {
    "password.changed": () => ({
      title: "Your password was changed",
      told: "The password of your account was changed. To keep it safe, it was signed out on all other devices.",
    }),
    "mfa.enabled": () => ({
      title: "Two-step verification is on",
      told: "From now on, signing in also takes a code of your authenticator app. Keep your recovery codes in a safe place that is not your phone.",
    }),
    "mfa.disabled": () => ({
      title: "Two-step verification is off",
      told: "Signing in no longer asks for a code of your authenticator app, and the recovery codes you had are void.",
    }),
    "mfa.recovery-code-used": ({ codesLeft }) => ({
      title: "A recovery code was used",
      told: [
        "A recovery code was used in place of your authenticator app. It cannot be used again.",
        codesLeft !== undefined && `Recovery codes left: ${codesLeft}.`,
      ]
        .filter(Boolean)
        .join(" "),
    }),
    "provider.linked": (news) => ({
      title: `${nameOf(news, "Another provider")} was connected to your account`,
      told: `Your ${nameOf(news, "other")} account can now be used to sign in.`,
    }),
    "provider.unlinked": (news) => ({
      title: `${nameOf(news, "Another provider")} was disconnected from your account`,
      told: `Your ${nameOf(news, "other")} account can no longer be used to sign in.`,
    }),
  },
  facts: { when: "When", address: "IP address", device: "Device" },
  ifYou: "If this was you, there is nothing more to do.",
  ifNotYou:
    "If this was not you, somebody else may be in your account. Choose a new password right away: that signs out every device.",
  newPassword: "Choose a new password",
  lookAround: "Ways to sign in, two-step verification and signed-in devices are listed under account security.",
  security: "Look at your account's security",
  why: "You get this mail, whatever your notification settings, because it is about the security of your account.",
};

export const accountTexts: Record<Locale, AccountTexts> = { ko, en };

const shape = { dateStyle: "long", timeStyle: "short", hourCycle: "h23" } as const;
const zones: Record<Locale, { format: Intl.DateTimeFormat; zone: string }> = {
  ko: { format: new Intl.DateTimeFormat("ko-KR", { ...shape, timeZone: "Asia/Seoul" }), zone: "(KST)" },
  en: { format: new Intl.DateTimeFormat("en-GB", { ...shape, timeZone: "UTC" }), zone: "UTC" },
};

/** A time (RFC 3339) as people of that language read it, with its zone. */
export function timeText(at: string, locale: Locale): string {
  const { format, zone } = zones[locale];
  return `${format.format(new Date(at))} ${zone}`;
}
