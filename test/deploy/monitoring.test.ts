import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Counter, Histogram, type MetricObject } from "prom-client";
import { parse, stringify } from "yaml";
import { Metrics } from "../../lib/metrics";
import { replCommands } from "../../repl";
import { use, withTools } from "./tools";

interface Rule {
  alert?: string;
  record?: string;
  expr: string;
  labels?: Record<string, string>;
}

const rules: Rule[] = (
  parse(readFileSync("deploy/prometheus/alerts.yml", "utf8")) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);
const alerts = rules.flatMap(({ alert }) => alert ?? []);

interface Panel {
  title: string;
  targets?: { expr: string }[];
}
const dashboard: { panels: Panel[]; annotations: { list: { expr: string }[] } } = JSON.parse(
  readFileSync("deploy/grafana/dashboards/shop.json", "utf8"),
);
const queries = [...dashboard.panels.flatMap(({ targets = [] }) => targets), ...dashboard.annotations.list].map(
  ({ expr }) => expr.replaceAll("$__rate_interval", "1m"),
);

/** Every series that a node's operations port can answer, and what Prometheus makes itself. */
function series(): Set<string> {
  const { registry } = new Metrics();
  const names = (registry.getMetricsAsArray() as (MetricObject & object)[]).flatMap((metric) => {
    const { name } = metric;
    if (metric instanceof Histogram) return [`${name}_bucket`, `${name}_sum`, `${name}_count`];
    return metric instanceof Counter ? name : [name];
  });
  return new Set([...names, ...rules.flatMap(({ record }) => record ?? []), "up", "ALERTS"]);
}

/** Names of series in an expression: a word before a selector, or one of ours wherever it is. */
const named = (expr: string): string[] => [
  ...new Set(
    [...expr.replace(/"[^"]*"/g, '""').matchAll(/\b(?:shop|process|nodejs)[_:][\w:]+|\b\w+(?=\{)/g)].map(
      ([name]) => name,
    ),
  ),
];

it("asks in alerts and in the dashboard only for series that nodes have", () => {
  const known = series();
  const asked = [...rules.map(({ expr }) => expr), ...queries].flatMap(named);
  expect(asked.length).toBeGreaterThan(60);
  expect([...new Set(asked)].filter((name) => !known.has(name))).toEqual([]);
});

it("shows every metric of ours in the dashboard", () => {
  const shown = new Set(queries.flatMap(named).map((name) => name.replace(/_(bucket|sum|count)$/, "")));
  const ours = [...series()]
    .filter((name) => name.startsWith("shop_"))
    .map((name) => name.replace(/_(bucket|sum|count)$/, ""));
  expect([...new Set(ours)].filter((name) => !shown.has(name))).toEqual([]);
});

it("says for every alert how urgent it is, and in the operator's guide what to do", () => {
  const guide = readFileSync("docs/operations.md", "utf8");
  const described = [...guide.matchAll(/^### (Shop\w+)$/gm)].map(([, name]) => name);
  expect(described.sort()).toEqual([...alerts].sort());
  for (const { alert, labels } of rules)
    if (alert) expect([alert, labels?.severity]).toEqual([alert, expect.stringMatching(/^(page|ticket)$/)]);
});

it("tells of every command of the console in the guide", () => {
  const guide = readFileSync("docs/operations.md", "utf8");
  const commands = replCommands.map(({ command }) => command.split(" ")[0] ?? "");
  expect(commands.filter((name) => !guide.includes(`\`${name}`))).toEqual([]);
});

withTools(["promtool"], "for Prometheus", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "shop-rules-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("takes the configuration and the rules", async () => {
    expect(await use("promtool", ["check", "config", "deploy/prometheus/prometheus.yml"])).toMatchObject({ ok: true });
  });

  it("fires each alert when it should, and not before", async () => {
    const { ok, stdout, stderr } = await use("promtool", ["test", "rules", "deploy/prometheus/alerts.test.yml"]);
    expect({ ok, output: stdout + stderr }).toEqual({ ok: true, output: expect.stringContaining("SUCCESS") });
    const tested = readFileSync("deploy/prometheus/alerts.test.yml", "utf8");
    expect(alerts.filter((alert) => !tested.includes(`alertname: ${alert}`))).toEqual([]);
  });

  it("has a dashboard whose queries it understands", async () => {
    const file = join(folder, "queries.yml");
    const asRules = queries.map((expr, n) => ({ record: `query:${n}`, expr }));
    writeFileSync(file, stringify({ groups: [{ name: "dashboard", rules: asRules }] }));
    expect(await use("promtool", ["check", "rules", file])).toMatchObject({ ok: true });
  });

  it("refuses an alert with a mistake in it, so that these tests can fail", async () => {
    const file = join(folder, "alerts.yml");
    writeFileSync(file, readFileSync("deploy/prometheus/alerts.yml", "utf8").replace("> 60", "> > 60"));
    const { ok, stderr, stdout } = await use("promtool", ["check", "rules", file]);
    expect({ ok, text: stdout + stderr }).toEqual({ ok: false, text: expect.stringContaining("ShopEventsWait") });
  });
});
