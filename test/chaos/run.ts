import { readArguments, usage } from "./arguments";
import { chaos } from "./chaos";
import { runCommand } from "./command";
import { reportOf } from "./report";

runCommand({
  usage,
  readArguments,
  async run(options, during) {
    const { checks, figures, left } = await chaos(options, during);
    const failed = checks.some(({ violations }) => violations.length > 0);
    return { left, report: reportOf(checks, figures), failed };
  },
});
