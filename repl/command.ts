import type { BrokerOptions, ServiceBroker } from "moleculer";

export type ReplCommand = NonNullable<NonNullable<BrokerOptions["replOptions"]>["customCommands"]>[number];

/** What was typed behind a command's name. */
export interface Line {
  words: string[];
  options: Record<string, string | true | undefined>;
}

export interface CommandDefinition {
  /** Name and arguments, as commander writes them. */
  usage: string;
  alias: string[];
  description: string;
  /** Each with its description, as commander writes them: `--limit <number>`. */
  options: Record<string, string>;
  /** Resolves with what is to be shown; where it rejects, the message is. */
  run: (broker: ServiceBroker, line: Line) => Promise<string>;
}

/** What moleculer-repl hands to `parse`: commander's command, on which it expects `params`. */
interface ParsedLine {
  args: string[];
  opts(): Line["options"];
  params?: Line;
}

/** A command of the console. */
export const command = ({ usage, options, run, ...rest }: CommandDefinition): ReplCommand => ({
  ...rest,
  command: usage,
  options: Object.entries(options).map(([option, description]) => ({ option, description })),
  parse(line: ParsedLine) {
    line.params = { words: line.args, options: line.opts() };
  },
  async action(broker: ServiceBroker, params: unknown) {
    const text = await run(broker, params as Line).catch((error: unknown) =>
      error instanceof Error ? error.message : String(error),
    );
    process.stdout.write(`${text}\n`);
  },
});
