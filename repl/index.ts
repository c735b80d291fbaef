import type { ReplCommand } from "./command";
import { deadLettersCommand } from "./dead-letters";

/** What the console knows beside Moleculer's own commands: one file each. */
export const replCommands: ReplCommand[] = [deadLettersCommand()];
