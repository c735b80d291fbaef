import type { ServiceBroker } from "moleculer";
import { callOf } from "../lib/actions";
import { command, type Line, optionOf } from "./command";
import { confirmed, YES } from "./confirm";
import { Refusal } from "./failure";
import { operator } from "./operator";
import { userNamed } from "./people";

const USAGE = 'mfa remove <email|user id> --reason "..."';

async function remove(broker: ServiceBroker, line: Line): Promise<string> {
  const [, named] = line.words;
  const reason = optionOf(line, "reason");
  if (!named) throw new Refusal(`Say whose: ${USAGE}`);
  if (!reason) throw new Refusal('Say why: --reason "lost the phone, shown a passport". It stands in the log.');
  const user = await userNamed(broker, named);
  if (!user) throw new Refusal(`There is no user ${named}.`);
  const who = `${user.name} (${user.email ?? user.id})`;
  await confirmed(line, `Take away the second factor of ${who} and end every session?`);
  const { removed } = await callOf(broker)("auth.resetSecondFactor", {
    ...{ userId: user.id, operator: operator(), reason },
  });
  if (!removed) throw new Refusal(`${who} has no second factor.`);
  return `${who} signs in without a second factor now, has been signed out everywhere and is told by mail.`;
}

/** What somebody who has lost their second factor needs of the shop. */
export const mfaCommand = command({
  usage: "mfa [what] [user]",
  description: "remove <email|user id>: take away a second factor that was lost, and end the sessions",
  options: { "--reason <text>": "why it is taken away; it stands in the log", ...YES },
  complete: (_, words) => (words.length === 0 ? ["remove"] : []),
  run: async (broker, line) => {
    if (line.words[0] !== "remove") throw new Refusal(`What the console does with second factors: ${USAGE}`);
    return remove(broker, line);
  },
});
