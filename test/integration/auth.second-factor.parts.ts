import type { ServiceBroker, ServiceSchema } from "moleculer";
import { TOTP } from "otpauth";
import { action } from "../../lib/actions";
import { Nothing } from "../../lib/schema";
import type { AccountMail } from "../../services/notification/notification.contract";
import { AccountMail as Mail } from "../../services/notification/notification.schema";
import { type Account, metaOf, PASSWORD, register } from "./auth.accounts";
import type { TestNode } from "./node";

export const STEP_MS = 30_000;

/** An authenticator app, by the URL of its QR code alone. */
export const appFor = (secret: string) => {
  const app = new TOTP({ secret });
  return {
    now: () => app.generate(),
    at: (steps: number) => app.generate({ timestamp: Date.now() + steps * STEP_MS }),
  };
};

/** A code that no app shows now. */
export const wrong = ({ at }: ReturnType<typeof appFor>): string => {
  const good = [-1, 0, 1].map(at);
  return ["000000", "111111", "222222", "333333"].find((code) => !good.includes(code)) ?? "";
};

/** Stands for notification: it keeps what it is asked to mail. */
export const mailbox =
  (mails: AccountMail[]) =>
  (_: ServiceBroker): ServiceSchema => ({
    name: "notification",
    actions: {
      mail: action({
        params: Mail,
        returns: Nothing,
        handler({ params }) {
          mails.push(params);
          return null;
        },
      }),
    },
  });

export interface Refused {
  code: number;
  type: string;
  data: { retryAfter?: number; extra?: { mfaToken: string } };
}

/** What asking is refused with. */
export const refusalOf = (asking: Promise<unknown>): Promise<Refused> =>
  asking.then(
    () => Promise.reject(new Error("was not refused")),
    (error: Refused) => error,
  );

/** One user of a node, from one address. */
export class Person {
  clientIp = "192.0.2.1";

  constructor(
    readonly node: TestNode,
    public account: Account,
  ) {}

  static new = async (node: TestNode) => new Person(node, await register(node));

  /** Signed in, as the gateway has it. */
  asked = <R = unknown>(name: string, params: object = {}, node = this.node) =>
    node.as<R>({ ...metaOf(this.account), clientIp: this.clientIp }, `auth.${name}`, params);

  /** Sets up a second factor; one step later its app has a code that was not used. */
  async enrol() {
    const { secret } = await this.asked<{ secret: string }>("setUpTotp");
    const app = appFor(secret);
    const { recoveryCodes } = await this.asked<{ recoveryCodes: string[] }>("confirmTotp", { code: app.now() });
    return { app, recoveryCodes };
  }

  login = (node = this.node) =>
    node.as<Account>({ clientIp: this.clientIp }, "auth.login", { email: this.account.user.email, password: PASSWORD });

  /** The first half of a sign-in. */
  async begin(node = this.node): Promise<string> {
    const { data } = await refusalOf(this.login(node));
    return data.extra?.mfaToken ?? "";
  }

  show = (mfaToken: string, code: string, node = this.node) =>
    node.as<Account & { recoveryCodesLeft: number }>({ clientIp: this.clientIp }, "auth.showSecondFactor", {
      mfaToken,
      code,
    });

  refresh = () => this.node.as<Account>({}, "auth.refresh", { refreshToken: this.account.refreshToken });
}
