import type { Letter } from "../lib/topics/dead-letters";

/** Columns that a console has at least. */
const WIDTH = 100;
const GAP = "  ";

interface Column {
  name: string;
  longest: number;
  cell: (letter: Letter, index: number) => string;
  right?: boolean;
}

/** Nothing from a message may move the cursor or colour the console. */
const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ").toWellFormed();
const cut = (text: string, width: number): string => (text.length > width ? `${text.slice(0, width - 1)}…` : text);

function when(time = ""): string {
  const at = new Date(time);
  return Number.isNaN(at.getTime()) ? "-" : at.toISOString().slice(0, 19).replace("T", " ");
}

const COLUMNS: Column[] = [
  { name: "#", longest: 5, cell: (_, index) => String(index + 1), right: true },
  { name: "when (UTC)", longest: 19, cell: ({ event }) => when(event.time) },
  { name: "type", longest: 26, cell: ({ event }) => event.type ?? "-" },
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
