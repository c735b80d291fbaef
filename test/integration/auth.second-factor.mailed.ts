import authService from "../../services/auth/auth.service";
import type { AccountMail } from "../../services/notification/notification.contract";
import userService from "../../services/user/user.service";
import { mailbox, Person } from "./auth.second-factor.parts";
import { eventually, startNode, type TestNode } from "./node";

const mails: AccountMail[] = [];
export let node: TestNode;
/** Another one in each test. */
export let person: Person;

/** A node, for the tests of one file, whose mails to people are kept. */
export async function startWithMailbox(): Promise<void> {
  node = await startNode([authService, userService, mailbox(mails)], { WEB_URL: "https://shop.example:8443" });
}

export async function newPerson(): Promise<void> {
  person = await Person.new(node);
}

/** The mail of a kind that the person of this test gets. */
export const told = (kind: AccountMail["kind"]) =>
  eventually(() => mails.find((mail) => mail.userId === person.account.user.id && mail.kind === kind));
export const refused = (code: number, type: string) => expect.objectContaining({ code, type });
