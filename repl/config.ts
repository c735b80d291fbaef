import type { ServiceBroker } from "moleculer";
import { callOf } from "../lib/actions";
import { isCipher } from "../lib/config/cipher";
import { type ConfigMetadata, type KeyView, SHARED } from "../lib/config/declaration";
import { sharedConfig } from "../lib/config/shared";
import type { ConfigView, VersionView } from "../services/config/config.schema";
import { command, type Line, limitOf, optionOf } from "./command";
import { confirmed, YES } from "./confirm";
import { Refusal } from "./failure";
import { asOperator } from "./operator";
import { type Column, table } from "./table";
import { plain, whenAndAgo } from "./text";

const VERBS = ["get", "set", "unset", "history", "rollback"];
const DEFAULT_PROFILE = "default";
const DEFAULT_LIMIT = 20;

/** Which application declares each key, as discovery has it. */
function declaredKeys(broker: ServiceBroker): Map<string, string> {
  const listed = broker.registry.getServiceList({ onlyAvailable: true, skipInternal: true }) as unknown as {
    name: string;
    metadata?: { config?: ConfigMetadata };
  }[];
  const own = listed.flatMap(({ name, metadata }) =>
    (metadata?.config?.keys ?? []).map((key): [string, string] => [key.name, name]),
  );
  const shared = Object.values(sharedConfig.keys).map(({ name }): [string, string] => [name, SHARED]);
  return new Map([...own, ...shared]);
}

interface Row {
  application: string;
  key: KeyView;
  value: unknown;
  source: string;
}

const shown = (value: unknown): string =>
  value === null || value === undefined ? "-" : typeof value === "string" ? value : JSON.stringify(value);

const rowsOf = ({ application, keys, properties, sources }: ConfigView): Row[] =>
  keys.map((key) => ({
    application,
    key,
    value: properties[key.name],
    source: sources.findLast((source) => key.name in source.properties)?.name ?? "-",
  }));

const COLUMNS: Column<Row>[] = [
  { name: "application", cell: ({ application }) => application },
  { name: "key", cell: ({ key }) => key.name },
  { name: "value", cell: ({ value, key }) => `${shown(value)}${key.unit ? ` ${key.unit}` : ""}`, gives: true },
  { name: "source", cell: ({ source }) => source, gives: true },
];

const profileOf = (line: Line): string => optionOf(line, "profile") ?? DEFAULT_PROFILE;

async function get(broker: ServiceBroker, line: Line): Promise<string> {
  const [, named] = line.words;
  const declared = declaredKeys(broker);
  const isKey = named !== undefined && declared.has(named);
  const application = isKey ? (optionOf(line, "application") ?? declared.get(named)) : named;
  const applications = application === undefined ? [...new Set(declared.values())].sort() : [application];
  const views = await Promise.all(
    applications.map((one) => callOf(broker)("config.get", { application: one, profile: profileOf(line) })),
  );
  const rows = views
    .flatMap(rowsOf)
    .filter((row) =>
      isKey ? row.key.name === named : application !== undefined || declared.get(row.key.name) === row.application,
    );
  const version = Math.max(...views.map((view) => view.version));
  const about = isKey && rows[0] ? `${rows[0].key.description}\n` : "";
  return `${table(rows, COLUMNS)}\n\n${about}Version ${version}, profile ${profileOf(line)}.`;
}

/** As the key's type has it: a number, a truth value or JSON where it is no text. */
function valueFor({ name, schema, secret }: KeyView, text: string): unknown {
  if (secret && !isCipher(text))
    throw new Refusal(
      `${name} is secret, and what is typed here is kept in a file: encrypt it (POST /config/encrypt) and set the {cipher}.`,
    );
  if ((schema as { type?: string }).type === "string") return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

async function put(broker: ServiceBroker, line: Line, valueIn: (key: KeyView) => unknown): Promise<string> {
  const [, name] = line.words;
  if (!name) throw new Refusal("Say which key: config get lists them.");
  const application = optionOf(line, "application") ?? declaredKeys(broker).get(name) ?? SHARED;
  const profile = profileOf(line);
  const before = await callOf(broker)("config.get", { application, profile });
  const key = before.keys.find((one) => one.name === name);
  if (!key) throw new Refusal(`${application} has no key ${name}: config get lists them.`);
  const properties = { [name]: valueIn(key) };
  const after = await callOf(broker)("config.put", { application, profile, properties }, asOperator());
  const row = rowsOf(after).find((one) => one.key.name === name);
  const restart = key.restart ? " It holds from each node's next start on." : "";
  return `${name} of ${application} is ${shown(row?.value)} (${row?.source}), version ${after.version}.${restart}`;
}

const whatOf = ({ changes, rollbackTo }: VersionView): string[] => [
  ...(rollbackTo === undefined ? [] : [`back to ${rollbackTo}`]),
  ...changes.map(({ key, from, to }) => `${key}: ${shown(from)} -> ${shown(to)}`),
];

const CHANGES: Column<VersionView>[] = [
  { name: "version", cell: ({ version }) => `${version}`, right: true },
  { name: "when (UTC)", cell: ({ at }) => whenAndAgo(at) },
  { name: "by", cell: ({ by }) => by, gives: true },
  { name: "what", cell: (version) => whatOf(version).join("; "), gives: true },
];

/** Nothing of it is cut, however long a value is. */
const inFull = (made: VersionView): string =>
  [
    `${made.version}  ${whenAndAgo(made.at)}  ${plain(made.by)}`,
    ...whatOf(made).map((what) => `   ${plain(what)}`),
  ].join("\n");

async function history(broker: ServiceBroker, line: Line): Promise<string> {
  const limit = Math.min(limitOf(line, DEFAULT_LIMIT), 100);
  const { items } = await callOf(broker)("config.history", { limit });
  if (items.length === 0) return "Nothing was ever changed.";
  return line.options.full ? items.map(inFull).join("\n") : table(items, CHANGES);
}

async function rollback(broker: ServiceBroker, line: Line): Promise<string> {
  const version = Number(line.words[1] ?? Number.NaN);
  if (!Number.isInteger(version) || version < 0)
    throw new Refusal("Say to which version: config history lists them, 0 is before the first change.");
  await confirmed(line, `Make what held at version ${version} the configuration?`);
  const made = await callOf(broker)("config.rollback", { version }, asOperator());
  return `Version ${made.version} is what ${version} was.\n${table([made], CHANGES)}`;
}

/** The central configuration. */
export const configCommand = command({
  usage: "config <verb> [key] [value]",
  description: "get [application|key], set <key> <value>, unset <key>, history, rollback <version>",
  options: {
    "--application <name>": "of that one only, where all share the key",
    "--profile <name>": `(${DEFAULT_PROFILE})`,
    "--limit <number>": `how much of the history (${DEFAULT_LIMIT})`,
    "--full": "the history with each change whole, on lines of its own",
    ...YES,
  },
  complete(broker, words) {
    if (words.length === 0) return VERBS;
    const declared = declaredKeys(broker);
    if (words.length > 1) return [];
    if (words[0] === "get") return [...declared.keys(), ...new Set(declared.values())];
    return words[0] === "set" || words[0] === "unset" ? [...declared.keys()] : [];
  },
  async run(broker, line) {
    const [verb = "", , value] = line.words;
    switch (verb) {
      case "get":
        return get(broker, line);
      case "set":
        if (value === undefined) throw new Refusal("Say the key and the value: config set <key> <value>");
        return put(broker, line, (key) => valueFor(key, value));
      case "unset":
        return put(broker, line, () => null);
      case "history":
        return history(broker, line);
      case "rollback":
        return rollback(broker, line);
      default:
        throw new Refusal(`"${verb}" is not known: use ${VERBS.join(", ")}.`);
    }
  },
});
