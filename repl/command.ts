import type { BrokerOptions, ServiceBroker } from "moleculer";
import { Refusal, told } from "./failure";
import { toned, wrapped } from "./text";

type CustomCommand = NonNullable<NonNullable<BrokerOptions["replOptions"]>["customCommands"]>[number];

/** What was typed behind a command's name. */
export interface Line {
  words: string[];
  options: Record<string, string | true | undefined>;
}

/** What may come next, seen the words before it; asked while somebody types. */
export type Completion = (broker: ServiceBroker, words: string[]) => string[] | Promise<string[]>;

export interface CommandDefinition {
  /** Name and arguments, as commander writes them. */
  usage: string;
  alias?: string[];
  description: string;
  /** Each with its description, as commander writes them: `--limit <number>`. */
  options?: Record<string, string>;
  complete?: Completion;
  /** Resolves with what is to be shown; where it rejects, the message is. */
  run: (broker: ServiceBroker, line: Line) => Promise<string>;
}

export interface ReplCommand extends CustomCommand {
  /** What it is called by. */
  names: string[];
  /** Options as they are typed. */
  flags: string[];
  complete: Completion;
}

/** What moleculer-repl hands to `parse`: commander's command, on which it expects `params`. */
interface ParsedLine {
  args: string[];
  opts(): Line["options"];
  params?: Line;
}

/** A command of the console. */
export const command = (definition: CommandDefinition): ReplCommand => {
  const { usage, alias = [], options = {}, complete = () => [], run, description } = definition;
  return {
    description,
    alias,
    names: [usage.split(" ", 1)[0] ?? "", ...alias],
    flags: Object.keys(options).map((option) => option.split(" ", 1)[0] ?? ""),
    complete,
    command: usage,
    options: Object.entries(options).map(([option, about]) => ({ option, description: about })),
    parse(line: ParsedLine) {
      line.params = { words: line.args, options: line.opts() };
    },
    async action(broker: ServiceBroker, params: unknown) {
      const text = await run(broker, params as Line).catch((error: unknown) =>
        toned(wrapped(told(error)), error instanceof Refusal ? undefined : "bad"),
      );
      process.stdout.write(`${text}\n`);
    },
  };
};

/** The value of an option that takes one. */
export const optionOf = ({ options }: Line, name: string): string | undefined => {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
};

/** A whole number from 1, `otherwise` where it is not given. */
export function limitOf(line: Line, otherwise: number): number {
  const value = Number(line.options.limit ?? otherwise);
  if (!Number.isInteger(value) || value < 1)
    throw new Refusal(`--limit is a number from 1, not "${line.options.limit}".`);
  return value;
}
