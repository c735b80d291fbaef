import type { ServiceBroker } from "moleculer";
import { callOf } from "../lib/actions";
import { SHARED } from "../lib/config/declaration";
import { LOG_LEVELS } from "../lib/config/shared";
import { nodesOf } from "../mixins/cluster";
import { command, optionOf } from "./command";
import { Refusal } from "./failure";
import { asOperator, operator } from "./operator";

const WORDS = [...LOG_LEVELS, "configured"] as const;
type Word = (typeof WORDS)[number];

function levelOf(word: string | undefined): Word {
  const level = WORDS.find((known) => known === word);
  if (!level) throw new Refusal(`"${word ?? ""}" is no level: use one of ${WORDS.join(", ")}.`);
  return level;
}

async function ofNode(broker: ServiceBroker, nodeID: string, level: Word): Promise<string> {
  await callOf(broker)("$ops.logLevel", { level, operator: operator() }, { nodeID });
  return level === "configured"
    ? `Node ${nodeID} logs as the configuration says.`
    : `Node ${nodeID} logs from ${level} on, until it ends or: log-level ${nodeID} configured`;
}

async function ofAll(broker: ServiceBroker, level: Word, application: string): Promise<string> {
  const value = level === "configured" ? null : level;
  const { version } = await callOf(broker)(
    "config.put",
    { application, profile: "default", properties: { "log.level": value } },
    asOperator(),
  );
  const whose = application === SHARED ? "Every node" : `Service ${application}`;
  return `${whose} logs ${value === null ? "as is declared" : `from ${level} on`} (configuration version ${version}).`;
}

/** How much is logged: everywhere through the configuration, or of one node until it ends. */
export const logLevelCommand = command({
  usage: "log-level <words...>",
  description: "<level>: of all nodes, through the configuration; <node> <level>: of one, until it ends",
  options: { "--service <name>": "of one service on all nodes" },
  async complete(broker, words) {
    const nodes = words.length === 0 ? (await nodesOf(broker)).map(({ id }) => id) : [];
    return words.length < 2 ? [...WORDS, ...nodes] : [];
  },
  async run(broker, line) {
    const [first = "", second] = line.words;
    if (second !== undefined) return ofNode(broker, first, levelOf(second));
    return ofAll(broker, levelOf(first), optionOf(line, "service") ?? SHARED);
  },
});
