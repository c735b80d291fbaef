import type { Letter } from "../lib/topics/dead-letters";
import { cut, plain, WIDTH, when } from "./text";

const GAP = "  ";

interface Column {
  name: string;
  longest: number;
  cell: (letter: Letter, index: number) => string;
  right?: boolean;
}

const COLUMNS: Column[] = [
  { name: "#", longest: 5, cell: (_, index) => String(index + 1), right: true },
  { name: "when (UTC)", longest: 20, cell: ({ event }) => when(event.time) },
  { name: "type", longest: 25, cell: ({ event }) => event.type ?? "-" },
  { name: "group", longest: 19, cell: ({ group }) => group || "-" },
  { name: "tries", longest: 5, cell: ({ attempts }) => attempts || "-", right: true },
  { name: "partition/offset", longest: 16, cell: ({ origin }) => `${origin.partition}/${origin.offset}` },
];
const INDENT = " ".repeat(2 + GAP.length);

/** Two lines for each: what it is and where it comes from, then whom it is about and what went wrong. */
export function letterTable(letters: Letter[]): string {
  const columns = COLUMNS.map(({ name, longest, cell, right }) => {
    const cells = [name, ...letters.map((letter, index) => cut(plain(cell(letter, index)), longest))];
    const width = Math.max(2, ...cells.map((text) => text.length));
    return cells.map((text) => (right ? text.padStart(width) : text.padEnd(width)));
  });
  const line = (row: number) =>
    columns
      .map((cells) => cells[row])
      .join(GAP)
      .trimEnd();
  const more = ({ event, message, error }: Letter) =>
    cut(`${INDENT}${plain(event.subject ?? message.key) || "-"}${GAP}${plain(error)}`.trimEnd(), WIDTH);
  return [line(0), ...letters.flatMap((letter, index) => [line(index + 1), more(letter)])].join("\n");
}

function readable(value: string): string {
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value;
  }
}

/** All there is to know about it: its headers, its key and its value. */
export function letterInFull({ headers, message }: Letter, index: number): string {
  const lines = Object.entries({ ...headers, key: message.key });
  const width = Math.max(...lines.map(([name]) => name.length));
  const named = lines.map(([name, text]) => `${plain(name).padEnd(width)}${GAP}${plain(text)}`);
  const value = readable(message.value).split("\n").map(plain);
  return `#${index + 1}\n${[...named, ...value].map((line) => `    ${line}`).join("\n")}`;
}
