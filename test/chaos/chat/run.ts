import { runCommand } from "../command";
import { readArguments, usage } from "./arguments";
import { chatChaos } from "./chaos";
import { reportOf } from "./report";

runCommand({
  usage,
  readArguments,
  async run(options, during) {
    const { checks, summary, left } = await chatChaos(options, during);
    const failed = left.length > 0 || checks.some(({ violations }) => violations.length > 0);
    return { left, report: reportOf(checks, summary), failed };
  },
});
