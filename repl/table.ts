import { cut, heading, plain, type Tone, toned, WIDTH } from "./text";

const GAP = "  ";
const LEAST = 8;

export interface Column<T> {
  name: string;
  cell: (row: T, index: number) => string;
  /** Numbers stand under each other. */
  right?: boolean;
  /** Gives way where the line is too long for a console. */
  gives?: boolean;
  tone?: (row: T) => Tone | undefined;
}

/** What gives way is as wide as the rest leaves for it, its widest columns first. */
function widths(cells: string[][], gives: boolean[]): number[] {
  const wide = cells.map((texts) => Math.max(...texts.map((text) => text.length)));
  const total = () => wide.reduce((sum, width) => sum + width, 0) + GAP.length * (wide.length - 1);
  while (total() > WIDTH) {
    const candidates = wide.map((width, index) => (gives[index] && width > LEAST ? width : 0));
    const widest = Math.max(...candidates);
    if (widest === 0) break;
    const index = candidates.indexOf(widest);
    wide[index] = Math.max(LEAST, widest - (total() - WIDTH));
  }
  return wide;
}

/** Rows under a head, of 100 columns at most where what gives way allows for it. */
export function table<T>(rows: T[], columns: Column<T>[]): string {
  const cells = columns.map(({ name, cell }) => [name, ...rows.map((row, index) => plain(cell(row, index)) || "-")]);
  const wide = widths(
    cells,
    columns.map(({ gives = false }) => gives),
  );
  const fitted = (column: number, row: number): string => {
    const width = wide[column] ?? 0;
    const text = cut(cells[column]?.[row] ?? "", width);
    const isLast = column === columns.length - 1;
    return columns[column]?.right ? text.padStart(width) : isLast ? text : text.padEnd(width);
  };
  const head = heading(
    columns
      .map((_, column) => fitted(column, 0))
      .join(GAP)
      .trimEnd(),
  );
  const lines = rows.map((row, index) =>
    columns
      .map(({ tone }, column) => toned(fitted(column, index + 1), tone?.(row)))
      .join(GAP)
      .trimEnd(),
  );
  return [head, ...lines].join("\n");
}

/** What is said of one thing, a line each. */
export function facts(lines: [name: string, text: string][], indent = ""): string {
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines
    .map(([name, text]) => `${indent}${name.padEnd(width)}${GAP}${cut(plain(text), WIDTH - width - indent.length - 2)}`)
    .join("\n");
}

/** A part of an answer under its name. */
export const section = (name: string, text: string): string => `${heading(name)}\n${text}`;
