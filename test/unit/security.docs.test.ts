import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(__dirname, "../..");
const text = readFileSync(join(root, "docs/security.md"), "utf8");
const [, table = ""] = text.split(/^## What shows it$/m);
const rows = table.split("\n").filter((line) => line.startsWith("| ") && !/^\| (---|promise) /.test(line));

/** The tests that a row names: each title with the file before it. */
function named(row: string): [file: string, title: string][] {
  let file = "";
  const found: [string, string][] = [];
  for (const [, path, title] of row.matchAll(/`(test\/[^`]+)`|"([^"]+)"/g)) {
    if (path) file = path;
    if (title) found.push([file, title]);
  }
  return found;
}

/** As a test's, a table's or a suite's first argument, or as the second one of a suite that needs servers. */
const isTitled = (source: string, title: string) =>
  ["(", "(\n    ", "(\n  ", ", "].some((before) => source.includes(`${before}"${title}"`));

test("every promise of docs/security.md says by which standard, and which test shows it", () => {
  expect(rows.length).toBeGreaterThan(40);
  for (const row of rows) {
    const [, standard = ""] = row.split(" | ");
    expect([row, /RFC \d+|ASVS \d+\.\d+\.\d+|OpenID Connect Core/.test(standard)]).toEqual([row, true]);
    expect([row, named(row).length]).not.toEqual([row, 0]);
  }
});

test.each(rows.flatMap(named))("%s has %j", (file, title) => {
  expect(existsSync(join(root, file))).toBe(true);
  expect(isTitled(readFileSync(join(root, file), "utf8"), title)).toBe(true);
});

test("a test that does not exist is found missing", () => {
  const source = readFileSync(__filename, "utf8");
  expect(isTitled(source, "%s has %j")).toBe(true);
  expect(isTitled(source, "no such title".toUpperCase())).toBe(false);
});

test("links of docs/security.md lead somewhere", () => {
  for (const [, target = ""] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g))
    expect([target, existsSync(join(root, "docs", target))]).toEqual([target, true]);
});
