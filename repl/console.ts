import type { REPLServer } from "node:repl";
import type { ServiceBroker } from "moleculer";

const ENDS = ["exit", "q", "quit"];

/**
 * Opens Moleculer's console in this process. `quit` and Ctrl-D end it as SIGTERM would, where Moleculer's own would stop
 * all services at once, under the requests that are being answered.
 */
export function openConsole(broker: ServiceBroker): void {
  // Moleculer's type for it says nothing of what it answers.
  const server = broker.repl() as unknown as REPLServer;
  const { eval: evaluate } = server;
  Object.assign(server, {
    eval(this: REPLServer, ...args: Parameters<REPLServer["eval"]>) {
      if (ENDS.includes(args[0].trim())) server.close();
      else evaluate.apply(this, args);
    },
  });
  server.removeAllListeners("exit").once("exit", () => process.kill(process.pid, "SIGTERM"));
}
