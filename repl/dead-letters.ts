import type { ServiceBroker } from "moleculer";
import { nodeOf } from "../lib/node";
import { type DeadLetters, deadLettersIn, type Letter } from "../lib/topics/dead-letters";
import { command, type Line, type ReplCommand } from "./command";
import { letterInFull, letterTable } from "./letter-table";

const DEFAULT_TOPIC = "order-event";
const DEFAULT_LIMIT = 20;

/** The list as last shown: what numbers refer to. */
interface Shown {
  topic: string;
  letters: Letter[];
}

const count = (letters: number) => `${letters} dead letter${letters === 1 ? "" : "s"}`;

function limitOf({ limit = String(DEFAULT_LIMIT) }: Line["options"]): number {
  const value = Number(limit);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--limit is a number from 1, not "${limit}".`);
  return value;
}

function numbered(words: string[], topic: string, shown: Shown): Letter[] {
  if (words.length === 0) throw new Error("Say which by their numbers, or resend --all.");
  if (topic !== shown.topic)
    throw new Error(`The list as last shown is of ${shown.topic}: dead-letters --topic ${topic} shows the other.`);
  return words.map((word) => {
    const letter = /^\d+$/.test(word) ? shown.letters[Number(word) - 1] : undefined;
    if (!letter) throw new Error(`There is no number ${word} in the list as last shown: dead-letters shows it anew.`);
    return letter;
  });
}

async function list(found: DeadLetters, topic: string, { options }: Line, show: (letters: Letter[]) => void) {
  const limit = limitOf(options);
  const { letters, more } = await found.list();
  const page = letters.slice(0, limit);
  show(page);
  if (page.length === 0) return `There are no dead letters of ${topic}.`;
  const all = `${count(letters.length)}${more ? " or more" : ""} of ${topic}`;
  const shown = page.length < letters.length ? `, the oldest ${page.length} of them shown: see --limit` : "";
  const rows = options.full ? page.map(letterInFull).join("\n\n") : letterTable(page);
  return `${rows}\n\n${all}${shown}.\nNext: dead-letters resend <number...>, resend --all or drop <number...>`;
}

/** How many were still there of those that somebody chose. */
function outcome(done: number, chosen: number, what: string): string {
  const gone = chosen - done;
  return `${count(done)} ${what}.${gone > 0 ? ` Not there any more: ${gone} of those chosen.` : ""}`;
}

/** Looks after what could not be handled, for whoever operates the shop. */
export function deadLettersCommand(): ReplCommand {
  let shown: Shown = { topic: DEFAULT_TOPIC, letters: [] };

  async function carryOut(broker: ServiceBroker, line: Line): Promise<string> {
    const [verb = "list", ...words] = line.words;
    const { topic: named, all } = line.options;
    const topic =
      typeof named === "string" ? named.replace(/\.dlq$/, "") : verb === "list" ? DEFAULT_TOPIC : shown.topic;
    const letters = deadLettersIn(nodeOf(broker).topics, topic);
    if (verb === "list")
      return list(letters, topic, line, (page) => {
        shown = { topic, letters: page };
      });
    if (verb !== "resend" && verb !== "drop") throw new Error(`"${verb}" is not known: use list, resend or drop.`);
    const everything = verb === "resend" && all ? await letters.list() : undefined;
    const wanted = everything?.letters ?? numbered(words, topic, shown);
    const ids = new Set(wanted.map(({ id }) => id));
    const done = await letters[verb](ids);
    const said = outcome(done.length, ids.size, verb === "resend" ? `sent to ${topic} again` : "dropped");
    return everything?.more ? `${said} More wait: do it again.` : said;
  }

  /** A node of a cluster has no part in the embedded event log of another process. */
  async function run(broker: ServiceBroker, line: Line): Promise<string> {
    try {
      return await carryOut(broker, line);
    } catch (error) {
      const [, holder] = / is in use by process (\d+)/.exec(String(error)) ?? [];
      if (!holder) throw error;
      throw new Error(`Without KAFKA_BROKERS they are in process ${holder}, with its own console: npm start -- --repl`);
    }
  }

  return command({
    usage: "dead-letters [verb] [numbers...]",
    alias: ["dlq"],
    description: "What could not be handled: list it (the default), resend or drop it by number",
    options: {
      "--topic <topic>": `the topic that it comes from (${DEFAULT_TOPIC})`,
      "--limit <number>": `how many to list, oldest first (${DEFAULT_LIMIT})`,
      "--full": "list each with its headers and its value",
      "--all": "resend all that waits",
    },
    run,
  });
}
