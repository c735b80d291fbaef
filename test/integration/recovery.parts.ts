import type { Meta } from "../../lib/actions";
import { nodeOf } from "../../lib/node";
import authService from "../../services/auth/auth.service";
import notificationService from "../../services/notification/notification.service";
import userService from "../../services/user/user.service";
import { type Account, metaOf, register } from "./auth.accounts";
import { newFolder } from "./auth.parts";
import { type ReadMail, tokenOf } from "./mail.parts";
import { eventually, startNode, type TestNode } from "./node";
import { MailServer, mailsThat } from "./notification.parts";

export const WEB_URL = "https://shop.example";
const FROM: Meta = { clientIp: "192.0.2.9", userAgent: "Browser of a test", acceptLanguage: "en" };
let clients = 0;

/** Accounts and their mails: a node and the server that its mails go to. */
export class RecoveryLab {
  private constructor(
    readonly node: TestNode,
    readonly server: MailServer,
  ) {}

  static async start(environment: Record<string, string> = {}): Promise<RecoveryLab> {
    const server = await new MailServer().start();
    const settings = { DATA_DIR: newFolder(), SMTP_URL: server.url, WEB_URL, LEASE_MS: "300", ...environment };
    return new RecoveryLab(await startNode([authService, userService, notificationService], settings), server);
  }

  /** A client that no other test is. */
  client = (more: Meta = {}): Meta => ({ ...FROM, clientIp: `198.51.100.${++clients % 250}`, ...more });

  forgot = (email: string, meta: Meta = this.client()) => this.node.as(meta, "auth.forgotPassword", { email });
  reset = (token: string, newPassword: string, meta: Meta = FROM) =>
    this.node.as(meta, "auth.resetPassword", { token, newPassword });
  verify = (token: string) => this.node.as(FROM, "auth.verifyEmail", { token });
  askForProof = (account: Account) => this.node.as({ ...FROM, ...metaOf(account) }, "auth.requestVerification");
  login = (email: string | null, password: string) =>
    this.node.as<Account>(this.client(), "auth.login", { email, password });
  refresh = ({ refreshToken }: Account) => this.node.as<Account>({}, "auth.refresh", { refreshToken });
  emailOf = ({ user }: Account) => user.email ?? "";
  isVerified = async (account: Account) => (await this.node.call("user.find", { id: account.user.id })).emailVerified;

  /** The mails for an address, once there are so many. */
  mails = (address: string, count = 1): Promise<ReadMail[]> =>
    eventually(() => this.server.at(address).length >= count && this.server.at(address));

  /** The token of the newest link, once there are so many mails. */
  async token(address: string, count = 1): Promise<string> {
    return tokenOf((await this.mails(address, count)).at(-1) as ReadMail);
  }

  /** Asks for a link to a new password, and answers its token. */
  async forgotten(account: Account): Promise<string> {
    const address = this.emailOf(account);
    const before = this.server.at(address).length;
    await this.forgot(address);
    return this.token(address, before + 1);
  }

  /** An account whose address is proven. */
  async verified(): Promise<Account> {
    const account = await register(this.node);
    await this.askForProof(account);
    await this.verify(await this.token(this.emailOf(account)));
    return account;
  }

  metrics = () => nodeOf(this.node.broker).metrics.registry.metrics();

  counted = async (outcome: string): Promise<number> => mailsThat(outcome, await this.metrics());

  /** Its files stay. */
  async stop(): Promise<void> {
    await this.node.broker.stop();
    await this.server.stop();
  }
}
