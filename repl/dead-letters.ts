import type { ServiceBroker } from "moleculer";
import { nodeOf } from "../lib/node";
import { deadLettersIn, type Letter } from "../lib/topics/dead-letters";
import { chatEvents } from "../services/chat/chat.events";
import { orderEvents } from "../services/order/order.events";
import { command, type Line, limitOf, optionOf, type ReplCommand } from "./command";
import { confirmed, YES } from "./confirm";
import { Refusal } from "./failure";
import { letterInFull, letterTable } from "./letter-table";
import { noted } from "./operator";
import { count } from "./text";

/** The topics that there are; another one may be named. */
export const TOPICS = [orderEvents.topic, chatEvents.topic];
const DEFAULT_LIMIT = 20;

/** The list as last shown: what numbers refer to. */
interface Shown {
  topics: string[];
  letters: Letter[];
}

const letterCount = (letters: number) => count(letters, "dead letter");

function numbered(words: string[], named: string | undefined, shown: Shown): Letter[] {
  if (words.length === 0) throw new Refusal("Say which by their numbers, or resend --all.");
  if (named !== undefined && !(shown.topics.length === 1 && shown.topics[0] === named))
    throw new Refusal(
      `The list as last shown is of ${shown.topics.join(" and ")}: dead-letters --topic ${named} shows the other.`,
    );
  return words.map((word) => {
    const letter = /^\d+$/.test(word) ? shown.letters[Number(word) - 1] : undefined;
    if (!letter) throw new Refusal(`There is no number ${word} in the list as last shown: dead-letters shows it anew.`);
    return letter;
  });
}

async function waitingIn(broker: ServiceBroker, topics: string[]) {
  const { topics: log } = nodeOf(broker);
  const found = await Promise.all(topics.map((topic) => deadLettersIn(log, topic).list()));
  return { letters: found.flatMap(({ letters }) => letters), more: found.some(({ more }) => more) };
}

async function list(broker: ServiceBroker, topics: string[], line: Line, show: (letters: Letter[]) => void) {
  const limit = limitOf(line, DEFAULT_LIMIT);
  const { letters, more } = await waitingIn(broker, topics);
  const page = letters.slice(0, limit);
  show(page);
  const of = topics.join(" and ");
  if (page.length === 0) return `There are no dead letters of ${of}.`;
  const all = `${letterCount(letters.length)}${more ? " or more" : ""} of ${of}`;
  const shown = page.length < letters.length ? `, the oldest ${page.length} of them shown: see --limit` : "";
  const rows = line.options.full ? page.map(letterInFull).join("\n\n") : letterTable(page);
  return `${rows}\n\n${all}${shown}.\nNext: dead-letters resend <number...>, resend --all or drop <number...>`;
}

/** How many were still there of those that somebody chose. */
function outcome(done: number, chosen: number, what: string): string {
  const gone = chosen - done;
  return `${letterCount(done)} ${what}.${gone > 0 ? ` Not there any more: ${gone} of those chosen.` : ""}`;
}

/** Does it topic by topic: each has its dead letters. */
async function settle(broker: ServiceBroker, verb: "resend" | "drop", wanted: Letter[]): Promise<string> {
  const { topics } = nodeOf(broker);
  const byTopic = Map.groupBy(wanted, ({ origin }) => origin.topic);
  let done = 0;
  for (const [topic, letters] of byTopic)
    done += (await deadLettersIn(topics, topic)[verb](new Set(letters.map(({ id }) => id)))).length;
  const where = [...byTopic.keys()].join(" and ");
  await noted(broker, `${letterCount(done)} of ${where} ${verb === "resend" ? "sent again" : "dropped"}`);
  return outcome(
    done,
    new Set(wanted.map(({ id }) => id)).size,
    verb === "resend" ? `sent to ${where} again` : "dropped",
  );
}

/** Looks after what could not be handled, for whoever operates the shop. */
export function deadLettersCommand(): ReplCommand {
  let shown: Shown = { topics: TOPICS, letters: [] };

  async function carryOut(broker: ServiceBroker, line: Line): Promise<string> {
    const [verb = "list", ...words] = line.words;
    const named = optionOf(line, "topic")?.replace(/\.dlq$/, "");
    const topics = named === undefined ? TOPICS : [named];
    if (verb === "list")
      return list(broker, topics, line, (letters) => {
        shown = { topics, letters };
      });
    if (verb !== "resend" && verb !== "drop") throw new Refusal(`"${verb}" is not known: use list, resend or drop.`);
    const everything =
      verb === "resend" && line.options.all ? await waitingIn(broker, named ? topics : shown.topics) : undefined;
    const wanted = everything?.letters ?? numbered(words, named, shown);
    if (verb === "drop") await confirmed(line, `Drop ${letterCount(wanted.length)} for good?`);
    if (wanted.length === 0) return `There are no dead letters of ${(named ? topics : shown.topics).join(" and ")}.`;
    const said = await settle(broker, verb, wanted);
    return everything?.more ? `${said} More wait: do it again.` : said;
  }

  /** A node of a cluster has no part in the embedded event log of another process. */
  async function run(broker: ServiceBroker, line: Line): Promise<string> {
    try {
      return await carryOut(broker, line);
    } catch (error) {
      const [, holder] = / is in use by process (\d+)/.exec(String(error)) ?? [];
      if (!holder) throw error;
      throw new Refusal(
        `Without KAFKA_BROKERS they are in process ${holder}, with its own console: npm start -- --repl`,
      );
    }
  }

  return command({
    usage: "dead-letters [verb] [numbers...]",
    alias: ["dlq"],
    description: "What could not be handled: list it (the default), resend or drop it by number",
    options: {
      "--topic <topic>": `the topic that it comes from (${TOPICS.join(" and ")})`,
      "--limit <number>": `how many to list, oldest first (${DEFAULT_LIMIT})`,
      "--full": "list each with its headers and its value",
      "--all": "resend all that waits",
      ...YES,
    },
    complete: (_, words) => (words.length === 0 ? ["list", "resend", "drop"] : []),
    run,
  });
}
