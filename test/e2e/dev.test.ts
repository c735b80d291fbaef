import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchNode, type NodePorts, type ShopNode } from "../../lib/infra/nodes";
import { freePorts } from "../../lib/infra/ports";
import { entryCommand } from "../../lib/infra/processes";
import { projectRoot } from "../../lib/infra/programs";
import { eventually } from "../integration/node";
import { Shop } from "./shop";

const PARTS = ["services", "lib", "mixins", "repl", "bin", "moleculer.config.ts", "package.json", "tsconfig.json"];
const UNKNOWN = "There is no such product.";

let root: string;
let ports: NodePorts;
let shop: Shop;
let dev: ShopNode;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "shop-dev-"));
  for (const part of PARTS) cpSync(join(projectRoot(), part), join(root, part), { recursive: true });
  symlinkSync(join(projectRoot(), "node_modules"), join(root, "node_modules"));
  const [http = 0, ops = 0, sandbox = 0] = await freePorts(3);
  ports = { http, ops, sandbox };
  shop = new Shop(`http://127.0.0.1:${http}`);
  const servers = { NATS_URL: "", MONGO_URL: "", REDIS_URL: "", KAFKA_BROKERS: "" };
  const settings = { NODE_ENV: "development", DATA_DIR: join(root, "data"), RATE_LIMIT: "off", LOG_LEVEL: "error" };
  const command = entryCommand(join(root, "bin/dev.ts"));
  dev = launchNode({ name: "dev", cwd: root, command, ports, env: { ...servers, ...settings } });
  await dev.ready();
});
afterAll(async () => {
  await dev.kill();
  rmSync(root, { recursive: true, force: true });
});

function edit(file: string, from: string, to: string): void {
  const text = readFileSync(join(root, file), "utf8");
  expect(text).toContain(from);
  writeFileSync(join(root, file), text.replaceAll(from, to));
}

/** What an edit made true, asked for over HTTP; while something is reloaded nobody may be there to answer. */
const soon = (look: () => Promise<boolean>) => eventually(() => look().catch(() => false), 15_000);

const refusal = async () => (await shop.call<{ detail: string }>("GET", "/products/unknown")).body.detail;
const products = async () => (await shop.products("?limit=1")).length;
const metrics = async () => (await fetch(`http://127.0.0.1:${ports.ops}/metrics`)).text();
const apiDocument = async () => JSON.stringify((await shop.call("GET", "/openapi.json")).body);
const banners = () => dev.output().split("The shop is ready").length - 1;

it("says its addresses and accounts once it is ready", async () => {
  await eventually(() => banners() === 1);
  for (const text of [`http://localhost:${ports.http}/docs`, "customer@example.com"])
    expect(dev.output()).toContain(text);
});

it("answers with the new code of an edited file that a service imports, and keeps its data", async () => {
  edit("services/product/catalogue.actions.ts", UNKNOWN, "Edited.");
  await soon(async () => (await refusal()) === "Edited.");
  expect(await products()).toBe(1);
});

it("answers with the new code of an edited service file, the gateway's too, on the same port", async () => {
  edit("services/api/api.service.ts", "This API as an OpenAPI 3.1 document", "Edited summary");
  await soon(async () => (await apiDocument()).includes("Edited summary"));
  await soon(async () => (await products()) === 1);
});

it.each([
  ["does not parse", "const broken = {{{", /catalogue\.actions\.ts:\d+:\d+: ERROR/],
  ["throws when it is loaded", 'throw new Error("broken");', /catalogue\.actions\.ts:\d+:\d+/],
])("goes on with the old code while an imported file %s, and says where", async (_, broken, where) => {
  const file = join(root, "services/product/catalogue.actions.ts");
  const good = readFileSync(file, "utf8");
  const before = await refusal();
  const said = dev.output().length;
  appendFileSync(file, `\n${broken}\n`);
  await eventually(() => where.test(dev.output().slice(said)));
  expect([await refusal(), await products()]).toEqual([before, 1]);
  // The next edit of this file is enough, nobody has to touch the service's.
  writeFileSync(file, good.replaceAll(before, `${before} Mended.`));
  await soon(async () => (await refusal()) === `${before} Mended.`);
  expect(await products()).toBe(1);
});

it("goes on with the old code while a service fails to be made from its new one", async () => {
  const before = await refusal();
  const start = "export default function productService(broker: ServiceBroker): ServiceSchema {";
  edit("services/product/product.service.ts", start, `${start}\n  if (broker) throw new Error("not made");`);
  await eventually(() => /not made\n.*product\.service\.ts:\d+/.test(dev.output()));
  expect([await refusal(), await products()]).toEqual([before, 1]);
  edit("services/product/product.service.ts", '\n  if (broker) throw new Error("not made");', "");
  edit("services/product/catalogue.actions.ts", before, "Made.");
  await soon(async () => (await refusal()) === "Made.");
});

it("starts the broker again with an edited kernel file, unless that does not load", async () => {
  const help = "Time that an action took on this node, by outcome";
  edit("lib/metrics.ts", help, "Edited help");
  edit("lib/metrics.ts", "export class Metrics {", "export class {{{ Metrics {");
  await eventually(() => /metrics\.ts:\d+:\d+: ERROR/.test(dev.output()));
  expect([(await metrics()).includes(help), await products()]).toEqual([true, 1]);
  edit("lib/metrics.ts", "export class {{{ Metrics {", "export class Metrics {");
  await soon(async () => (await metrics()).includes("Edited help"));
  await soon(async () => (await products()) === 1);
});

it("reloads after the broker's second start too, says its addresses once, and ends with 0", async () => {
  edit("services/product/catalogue.actions.ts", await refusal(), "Edited again.");
  await soon(async () => (await refusal()) === "Edited again.");
  expect(banners()).toBe(1);
  dev.signal("SIGTERM");
  expect(await dev.exited).toEqual({ code: 0, signal: null });
});
