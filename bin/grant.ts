import "dotenv/config";
import { ServiceBroker } from "moleculer";
import type { Meta, Role } from "../lib/actions";
import { nodeOf } from "../lib/node";
import { LiveLevels } from "../mixins/live-levels";
import type { UserView } from "../services/user/user.contract";

const ROLES: Role[] = ["customer", "agent", "admin"];
const AUTH_WITHIN_MS = 5000;
const USAGE = `npm run grant -- <email address> <role> [<role> ...]
  Sets the roles of an account, of ${ROLES.join(", ")}. Embedded, stop the shop first.`;

/** What is wrong with the question, or with the moment; told without a stack. */
class Refused extends Error {}

const isRole = (word: string): word is Role => ROLES.some((role) => role === word);

/**
 * A node that hosts accounts and nothing else: in a cluster one more member, whose `auth` hears of the change; alone with
 * an `auth` of its own, so that tokens with the old roles have ended when the shop starts again.
 */
function createNode(): ServiceBroker {
  const isAlone = !process.env.NATS_URL?.trim();
  const SERVICES = isAlone ? "user,auth" : "user";
  Object.assign(process.env, { SERVICES, NODE_ID: "", OPS_PORT: "0", LOG_LEVEL: "fatal", DEMO_DATA: "off" });
  // Loaded here so that it reads the above, and a wrong variable is reported like any other reason not to start.
  const { default: options } = require("../moleculer.config") as typeof import("../moleculer.config");
  const { default: userService } =
    require("../services/user/user.service") as typeof import("../services/user/user.service");
  const broker = new ServiceBroker(options);
  // Whatever the cluster is configured to log: its lines would stand around the answer.
  LiveLevels.of(broker).force("fatal");
  broker.createService(userService(broker));
  if (isAlone) {
    const { default: authService } =
      require("../services/auth/auth.service") as typeof import("../services/auth/auth.service");
    broker.createService(authService(broker));
  }
  return broker;
}

/** What there is to say of it. Throws where there is no such account. */
async function setRoles(broker: ServiceBroker, email: string, roles: Role[]): Promise<string> {
  const meta: Meta = { user: { id: "npm run grant", roles: ["admin"], sid: "" } };
  const found = await broker.call<{ items: UserView[] }, object>("user.list", { email, limit: 1 }, { meta });
  const [user] = found.items;
  if (!user) throw new Refused(`There is no account with the address ${email}.`);
  const changed = await broker.call<UserView, object>("user.change", { id: user.id, roles }, { meta });
  return `${email}: ${changed.roles.join(", ")} (before: ${user.roles.join(", ")})`;
}

async function grant([email, ...words]: string[]): Promise<void> {
  if (!email || words.length === 0) throw new Refused(USAGE);
  const unknown = words.filter((word) => !isRole(word));
  if (unknown.length > 0) throw new Refused(`There is no role ${unknown.join(", ")}.\n${USAGE}`);
  const broker = createNode();
  try {
    await broker.start();
    // Without it the old tokens are good until it runs again and hears of the change.
    if (nodeOf(broker).environment.natsUrl) await broker.waitForServices("auth", AUTH_WITHIN_MS).catch(() => undefined);
    console.log(await setRoles(broker, email, [...new Set(words.filter(isRole))]));
  } finally {
    await broker.stop();
  }
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [, holder] = / is in use by process (\d+)/.exec(error.message) ?? [];
  if (holder) return `The shop runs, as process ${holder}, on this data folder: stop it, grant, and start it again.`;
  const known = error instanceof Refused || error.name === "EnvironmentError";
  return (known ? error.message : error.stack) ?? error.message;
}

grant(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${explain(error)}\n`);
    process.exit(1);
  },
);
