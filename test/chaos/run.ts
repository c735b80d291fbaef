import { readArguments, usage } from "./arguments";
import { chaos } from "./chaos";
import { runCommand } from "./command";

runCommand({ usage, readArguments, run: chaos });
