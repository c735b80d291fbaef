import { agentsCommand } from "./agents";
import { assignCommand } from "./assign";
import type { ReplCommand } from "./command";
import { configCommand } from "./config";
import { deadLettersCommand } from "./dead-letters";
import { drainCommand, undrainCommand } from "./drain";
import { logLevelCommand } from "./log-level";
import { mfaCommand } from "./mfa";
import { orderCommand } from "./order";
import { ordersCommand } from "./orders";
import { overviewCommand } from "./overview";
import { paymentsCommand } from "./payments";
import { queueCommand } from "./queue";
import { sessionsCommand } from "./sessions";
import { stockCommand } from "./stock";

/** What the console knows beside Moleculer's own commands: one file each. */
export const replCommands: ReplCommand[] = [
  overviewCommand,
  orderCommand,
  ordersCommand,
  paymentsCommand,
  stockCommand,
  queueCommand,
  agentsCommand,
  assignCommand,
  sessionsCommand,
  mfaCommand,
  deadLettersCommand(),
  configCommand,
  logLevelCommand,
  drainCommand,
  undrainCommand,
];
