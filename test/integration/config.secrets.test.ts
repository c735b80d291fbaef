import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ciphers } from "../../lib/config/cipher";
import { NodeConfig } from "../../lib/config/node-config";
import { nodeOf } from "../../lib/node";
import configService from "../../services/config/config.service";
import { Cluster, lampConfig, lampService } from "./config.parts";
import { eventually } from "./node";

const SECRET = "open-sesame-of-this-test";
const [first, second] = [randomBytes(32), randomBytes(32)].map((bytes) => bytes.toString("base64"));
const ONE = { CONFIG_KEYS: `one:${first}` };
const BOTH = { CONFIG_KEYS: `two:${second},one:${first}` };

let cluster: Cluster;
beforeEach(() => {
  cluster = new Cluster();
});
afterEach(() => cluster.end());

const filesOf = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");

it("is read where it is needed, and is nowhere else but as a cipher", async () => {
  const keeper = await cluster.start([configService], ONE);
  const lamp = await cluster.start([lampService], ONE);
  await cluster.acquainted();
  const packets: string[] = [];
  const tapped = keeper.broker.transit as unknown as { publish: (packet: unknown) => unknown };
  const publish = tapped.publish.bind(tapped);
  tapped.publish = (packet) => {
    packets.push(JSON.stringify(packet));
    return publish(packet);
  };
  const answers = [await keeper.put("lamp", { "lamp.password": SECRET, "lamp.brightness": 3 })];
  await eventually(() => lamp.lamp.password === SECRET);
  answers.push(await keeper.get("lamp"), await keeper.put("lamp", { "lamp.password": `${SECRET}2` }));
  await eventually(() => lamp.lamp.password === `${SECRET}2`);
  const history = await keeper.history();
  await keeper.rollback(1);
  await eventually(() => lamp.lamp.password === SECRET);
  const discovered = keeper.broker.registry.getServiceList({ withSettings: true, withActions: true } as never);
  expect(answers.map(({ properties }) => properties["lamp.password"])).toEqual(Array(3).fill("******"));
  expect(history.items[0]?.changes).toMatchObject([{ key: "lamp.password", from: "******", to: "******" }]);
  const files = filesOf(keeper.dataDir) + filesOf(lamp.dataDir);
  expect(files).toContain("{cipher}one.");
  expect(packets.join("\n")).toContain("{cipher}one.");
  const all = { answers, history, discovered, files, packets, settings: { ...lamp.lamp } };
  for (const [name, seen] of Object.entries(all))
    expect(`${name}: ${JSON.stringify(seen).includes(SECRET) ? "has it" : "clean"}`).toBe(`${name}: clean`);
});

it("may be set as a cipher that was asked for, and one that was tampered with is refused", async () => {
  const node = await cluster.one(ONE);
  const { cipher } = await node.broker.call<{ cipher: string }, object>("config.encrypt", { value: SECRET });
  await node.put("lamp", { "lamp.password": cipher });
  await eventually(() => node.lamp.password === SECRET);
  const [, body = ""] = cipher.split(".");
  const middle = body.length / 2;
  const tampered = `{cipher}one.${body.slice(0, middle)}${body[middle] === "A" ? "B" : "A"}${body.slice(middle + 1)}`;
  const others = { tampered, unknown: cipher.replace("one.", "ten."), cut: "{cipher}one.AAAA", none: "{cipher}" };
  for (const wrong of Object.values(others)) {
    const refused = node.put("lamp", { "lamp.password": wrong, "lamp.brightness": 1 });
    await expect(refused).rejects.toMatchObject({ data: { errors: [{ path: "properties.lamp.password" }] } });
  }
  await expect(node.put("lamp", { "lamp.hours": cipher })).rejects.toMatchObject({ code: 422 });
  expect(await node.get("lamp")).toMatchObject({ version: 1, properties: { "lamp.brightness": 50 } });
  expect(node.lamp.password).toBe(SECRET);
});

it("outlives a rotation of keys: old ciphers are read, new ones are made with the new key", async () => {
  const node = await cluster.one(ONE);
  await node.put("lamp", { "lamp.password": SECRET });
  await cluster.stopAll();
  const rotated = await cluster.one({ ...BOTH, DATA_DIR: node.dataDir });
  expect(rotated.lamp.password).toBe(SECRET);
  expect(await rotated.put("lamp", { "lamp.password": SECRET })).toMatchObject({ version: 2 });
  await eventually(() => nodeOf(rotated.broker).config.version === 2);
  await cluster.stopAll();
  const files = filesOf(node.dataDir);
  expect(files).toContain("{cipher}two.");
  await expect(cluster.one({ CONFIG_KEYS: `two:${second}`, DATA_DIR: node.dataDir })).resolves.toBeDefined();
});

it("that stands plain in a file is used by no node, also before anybody has heard of its key", async () => {
  const directory = cluster.folder({
    "lamp.yml": `lamp:\n  password: ${SECRET}\n  brightness: 4`,
    "application.yml": `lamp.password: ${SECRET}`,
  });
  const keeper = await cluster.start([configService], { ...ONE, CONFIG_DIR: directory });
  const wanted = { lamp: ["lamp.brightness", "lamp.password"], other: ["lamp.password"] };
  const ask = { wanted, secrets: ["lamp.password"], profiles: [], label: "main", etag: "" };
  const answered = await keeper.broker.call<{ values: object }, object>("config.properties", ask);
  expect(answered.values).toEqual({ lamp: { "lamp.brightness": 4 }, other: {} });
  const lamp = await cluster.start([lampService], ONE);
  await eventually(() => lamp.lamp.brightness === 4);
  expect(lamp.lamp.password).toBe("");
  await cluster.acquainted();
  const late = await keeper.broker.call<{ values: object }, object>("config.properties", { ...ask, secrets: [] });
  expect(late.values).toEqual(answered.values);
  expect(filesOf(lamp.dataDir)).toContain("lamp.brightness");
  expect(filesOf(lamp.dataDir) + filesOf(keeper.dataDir)).not.toContain(SECRET);
});

describe("what would silently take a secret's place", () => {
  const sealed = (text: string) =>
    new Ciphers([{ id: "one", key: Buffer.from(first ?? "", "base64") }]).encrypt(text) ?? "";
  const odd = ["", "******", "{cipher}one.AAAA"];

  it("cannot be set nor encrypted, and null takes the secret away", async () => {
    const node = await cluster.one(ONE);
    await node.put("lamp", { "lamp.password": SECRET });
    for (const wrong of [...odd, ...odd.map(sealed)])
      await expect(node.put("lamp", { "lamp.password": wrong })).rejects.toMatchObject({
        code: 422,
        data: { errors: [{ path: "properties.lamp.password" }] },
      });
    for (const value of odd)
      await expect(node.broker.call("config.encrypt", { value })).rejects.toMatchObject({ code: 422 });
    expect(nodeOf(node.broker).config.version).toBe(1);
    expect(node.lamp.password).toBe(SECRET);
    await node.put("lamp", { "lamp.password": null });
    await eventually(() => node.lamp.password === "");
  });

  it.each(["plain", ...odd.map(sealed)])("is not taken where it comes all the same: %#", (value) => {
    const key = Buffer.from(first ?? "", "base64");
    const config = new NodeConfig({
      environment: { "lamp.password": "of the environment" },
      ciphers: new Ciphers([{ id: "one", key }]),
      logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
    const lamp = config.of(lampConfig);
    config.update({ version: 1, etag: "1", values: { lamp: { "lamp.password": value } } });
    expect(lamp.password).toBe("of the environment");
    expect(config.deviations()).toMatchObject([{ key: "lamp.password", refused: expect.any(String) }]);
  });
});

describe("what cannot be read", () => {
  const alien = new Ciphers([{ id: "one", key: randomBytes(32) }]).encrypt(SECRET) ?? "";

  it("refuses to start, by its name, where it is kept", async () => {
    const directory = cluster.folder({ "lamp.yml": `lamp:\n  password: "${alien}"` });
    const start = cluster.start([configService], { ...ONE, CONFIG_DIR: directory });
    await expect(start).rejects.toThrow(/^lamp\.password in config\/lamp\.yml cannot be read/);
  });

  it("refuses to start where it is needed", async () => {
    const keeper = await cluster.start([configService], BOTH);
    const lamp = await cluster.start([lampService], BOTH);
    await cluster.acquainted();
    await keeper.put("lamp", { "lamp.password": SECRET });
    await eventually(() => lamp.lamp.password === SECRET);
    await expect(cluster.start([lampService], ONE)).rejects.toThrow(
      /lamp\.password cannot be read: there is no key "two"/,
    );
  });

  it("is not taken while the node runs: the value before it holds, and that is told", async () => {
    const keeper = await cluster.start([configService], BOTH);
    const lamp = await cluster.start([lampService], ONE);
    await cluster.acquainted();
    const cipher = new Ciphers([{ id: "one", key: Buffer.from(first ?? "", "base64") }]).encrypt("old");
    await keeper.put("lamp", { "lamp.password": cipher });
    await eventually(() => lamp.lamp.password === "old");
    await keeper.put("lamp", { "lamp.password": SECRET, "lamp.brightness": 5 });
    await eventually(() => lamp.lamp.brightness === 5);
    expect(lamp.lamp.password).toBe("old");
    expect(nodeOf(lamp.broker).config.deviations()).toMatchObject([
      { key: "lamp.password", refused: 'cannot be read: there is no key "two" in CONFIG_KEYS' },
    ]);
    expect(await nodeOf(lamp.broker).metrics.registry.getSingleMetricAsString("shop_config_deviations")).toContain(
      'shop_config_deviations{application="lamp",key="lamp.password",reason="refused"} 1',
    );
  });
});
