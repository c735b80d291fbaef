import type { ServiceBroker } from "moleculer";
import { callOf } from "../lib/actions";
import { command, type Line } from "./command";
import { confirmed, YES } from "./confirm";
import { Refusal } from "./failure";
import { operator } from "./operator";
import { userNamed } from "./people";
import { facts, table } from "./table";
import { ago, count, when } from "./text";

async function show(broker: ServiceBroker, named: string): Promise<string> {
  const user = await userNamed(broker, named);
  if (!user) throw new Refusal(`There is no user ${named}: say who by email or id.`);
  const { items } = await callOf(broker)("auth.sessionsOf", { userId: user.id });
  const who = facts([
    ["user", `${user.name} <${user.email ?? "no email"}> (${user.id})`],
    ["roles", `${user.roles.join(", ")}, ${user.status}`],
  ]);
  if (items.length === 0) return `${who}\n\nNot signed in anywhere.`;
  const rows = table(items, [
    { name: "session", cell: ({ id }) => id },
    { name: "since (UTC)", cell: ({ createdAt }) => when(createdAt) },
    { name: "used", cell: ({ lastUsedAt }) => ago(lastUsedAt) },
    { name: "address", cell: ({ ip }) => ip },
    { name: "with", cell: ({ userAgent }) => userAgent, gives: true },
  ]);
  return `${who}\n\n${rows}\n\n${count(items.length, "session")}.\nNext: sessions revoke <session> ends one, sessions revoke <email> all`;
}

async function revoke(broker: ServiceBroker, line: Line): Promise<string> {
  const [, named] = line.words;
  if (!named) throw new Refusal("Say which: sessions revoke <email|user id|session id>");
  const call = callOf(broker);
  const user = await userNamed(broker, named);
  if (!user && named.includes("@")) throw new Refusal(`There is no user ${named}.`);
  await confirmed(
    line,
    user ? `End every session of ${user.name} (${user.email ?? user.id})?` : `End session ${named}?`,
  );
  const { ended } = await call("auth.revokeSessions", {
    ...(user ? { userId: user.id } : { sid: named }),
    operator: operator(),
  });
  if (!user && ended === 0) throw new Refusal(`There is no session ${named} that could be ended, and no such user.`);
  return `${count(ended, "session")} ended${user ? ` of ${user.name}; access tokens of before are refused` : ""}.`;
}

/** Where somebody is signed in, and an end to it. */
export const sessionsCommand = command({
  usage: "sessions <user> [what]",
  description: "<email|user id>: where somebody is signed in; revoke <email|user id|session id>: end that",
  options: YES,
  complete: (_, words) => (words.length === 0 ? ["revoke"] : []),
  run: (broker, line) => {
    const [first = ""] = line.words;
    return first === "revoke" ? revoke(broker, line) : show(broker, first);
  },
});
