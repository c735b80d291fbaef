import { runCommand } from "../command";
import { readArguments, usage } from "./arguments";
import { chatChaos } from "./chaos";

runCommand({ usage, readArguments, run: chatChaos });
