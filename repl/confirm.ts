import type { REPLServer } from "node:repl";
import type { Line } from "./command";
import { Refusal } from "./failure";

let terminal: Pick<REPLServer, "question"> | undefined;

/** From now on questions are asked here. */
export const askAt = (server: Pick<REPLServer, "question"> | undefined): void => {
  terminal = server;
};

/** Resolves when it may be done; rejects where it may not, or nobody can be asked. */
export async function confirmed({ options }: Line, question: string): Promise<void> {
  if (options.yes) return;
  if (!terminal) throw new Refusal(`${question} Nothing was done: say it again with --yes.`);
  const { promise, resolve } = Promise.withResolvers<string>();
  terminal.question(`${question} (y/N) `, resolve);
  if (!/^y(es)?$/i.test((await promise).trim())) throw new Refusal("Nothing was done.");
}

export const YES = { "--yes": "do it without asking" };
