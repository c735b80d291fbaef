import { once } from "node:events";
import type { REPLServer } from "node:repl";
import type { ServiceBroker } from "moleculer";

const ENDS = ["exit", "q", "quit"];

let opened: REPLServer | undefined;

/** Moleculer's console knows its broker for good: for another one it is loaded anew, and the old one must not read on. */
async function closeOld(): Promise<void> {
  if (!opened) return;
  const closed = once(opened.removeAllListeners("exit"), "exit");
  opened.close();
  await closed;
  for (const file of Object.keys(require.cache)) if (/[\\/]moleculer-repl[\\/]/.test(file)) delete require.cache[file];
}

/**
 * Opens Moleculer's console in this process. `quit` and Ctrl-D end it as SIGTERM would, where Moleculer's own would stop
 * all services at once, under the requests that are being answered.
 */
export async function openConsole(broker: ServiceBroker): Promise<void> {
  await closeOld();
  // Moleculer's type for it says nothing of what it answers.
  const server = broker.repl() as unknown as REPLServer;
  opened = server;
  const { eval: evaluate } = server;
  Object.assign(server, {
    eval(this: REPLServer, ...args: Parameters<REPLServer["eval"]>) {
      if (ENDS.includes(args[0].trim())) server.close();
      else evaluate.apply(this, args);
    },
  });
  server.removeAllListeners("exit").once("exit", () => process.kill(process.pid, "SIGTERM"));
}
