import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ShopError } from "../../lib/errors";
import { nodeOf } from "../../lib/node";
import { Cluster, lampConfig } from "./config.parts";
import { eventually } from "./node";

let cluster: Cluster;
beforeEach(() => {
  cluster = new Cluster();
});
afterEach(() => cluster.end());

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: ShopError) => error,
  );

describe("what holds", () => {
  it("is shown with its sources, and what can be set with type, default and unit", async () => {
    const node = await cluster.one({ LOG_LEVEL: "error" });
    const seen = await node.get("lamp");
    expect(seen).toMatchObject({ application: "lamp", profile: "default", label: "main", version: 0 });
    expect(seen.properties).toMatchObject({
      "lamp.brightness": 50,
      "lamp.hours": "off",
      "lamp.password": "",
      "lamp.socket": 1,
      "log.level": "error",
    });
    expect(seen.sources.map(({ name }) => name)).toEqual(["default", "environment"]);
    expect(seen.keys.find(({ name }) => name === "lamp.brightness")).toEqual({
      name: "lamp.brightness",
      schema: { type: "integer", minimum: 0, maximum: 100 },
      default: 50,
      unit: "percent",
      description: "How bright it is",
    });
    expect((await node.get("application")).properties).toMatchObject({ "log.level": "error", "lamp.socket": 1 });
    await expect(node.get("torch")).rejects.toMatchObject({ code: 404, type: "APPLICATION_NOT_FOUND" });
  });

  it("comes from files and changes, by application, profile and label, later ones over earlier ones", async () => {
    const directory = cluster.folder({
      "application.yml": "log.level: fatal\nlamp: { brightness: 1 }\n",
      "application-night.yml": "lamp:\n  brightness: 2\n",
      "lamp.yml": "lamp.brightness: 3\nlamp.hours: { from: '09:00', to: '10:00' }\n",
      "lamp-night.yml": "lamp.brightness: 4",
      "blue/lamp.yml": "lamp.brightness: 90",
    });
    const node = await cluster.one({ CONFIG_DIR: directory, PROFILE: "night" });
    const seen = await node.get("lamp", "night");
    expect(seen.sources.map(({ name }) => name)).toEqual([
      ...["default", "environment", "config/application.yml", "config/application-night.yml"],
      ...["config/lamp.yml", "config/lamp-night.yml"],
    ]);
    const steps: [string, string, number][] = [
      ["application", "default", 5],
      ["application", "night", 6],
      ["lamp", "default", 7],
      ["lamp", "night", 8],
    ];
    expect(node.lamp).toMatchObject({ brightness: 4, hours: { from: "09:00", to: "10:00" } });
    for (const [application, profile, value] of steps) {
      await node.put(application, { "lamp.brightness": value }, { profile });
      await eventually(() => node.lamp.brightness === value, 2000);
    }
    expect((await node.get("lamp", "night")).sources.slice(-4)).toEqual(
      steps.map(([application, profile, value]) => ({
        name: `${application}/${profile}`,
        properties: { "lamp.brightness": value },
      })),
    );
    expect((await node.get("lamp")).properties["lamp.brightness"]).toBe(7);
    expect((await node.get("lamp", "night", "blue")).properties["lamp.brightness"]).toBe(90);
    await node.put("lamp", { "lamp.brightness": 91 }, { label: "blue" });
    expect((await node.get("lamp", "default", "blue")).properties["lamp.brightness"]).toBe(91);
    expect((await node.get("lamp")).properties["lamp.brightness"]).toBe(7);
  });

  it("leaves out of files what does not fit, and a secret that everybody could read there", async () => {
    const directory = cluster.folder({
      "application.yml": "lamp.brightness: 20",
      "lamp.yml": "lamp.brightness: bright\nlamp.password: open",
    });
    const node = await cluster.one({ CONFIG_DIR: directory });
    expect((await node.get("lamp")).properties).toMatchObject({ "lamp.brightness": 20, "lamp.password": "" });
    await node.put("lamp", { "lamp.socket": 1 });
    await eventually(() => nodeOf(node.broker).config.version === 1);
    expect(node.lamp).toMatchObject({ brightness: 20 });
    expect(node.lamp.password).toBe("");
  });

  it("is refused where a file is not YAML, by its name", async () => {
    const directory = cluster.folder({ "lamp.yml": "a: [" });
    await expect(cluster.one({ CONFIG_DIR: directory })).rejects.toThrow("config/lamp.yml cannot be read");
  });
});

describe("a change", () => {
  it("holds at once where it is read, is merged, and null takes it away", async () => {
    const node = await cluster.one();
    const heard: number[] = [];
    const { config } = nodeOf(node.broker);
    const end = config.onChange(lampConfig, "brightness", (value) => heard.push(value));
    const after = await node.put("lamp", { "lamp.brightness": 70, "lamp.hours": { from: "a", to: "b" } });
    expect(after).toMatchObject({ version: 1, properties: { "lamp.brightness": 70 } });
    await eventually(() => node.lamp.brightness === 70, 2000);
    expect(await node.put("lamp", { "lamp.hours": null })).toMatchObject({
      version: 2,
      properties: { "lamp.brightness": 70, "lamp.hours": "off" },
    });
    await eventually(() => node.lamp.hours === "off", 2000);
    expect(heard).toEqual([70]);
    end();
    await node.put("lamp", { "lamp.brightness": 71 });
    await eventually(() => node.lamp.brightness === 71, 2000);
    expect(heard).toEqual([70]);
  });

  it("that changes nothing is no version", async () => {
    const node = await cluster.one();
    await node.put("lamp", { "lamp.brightness": 70, "lamp.password": "p" });
    expect(await node.put("lamp", { "lamp.brightness": 70, "lamp.password": "p" })).toMatchObject({ version: 1 });
    expect(await node.put("lamp", { "lamp.hours": null })).toMatchObject({ version: 1 });
  });

  it("with anything that cannot be set changes nothing, and each such key is named", async () => {
    const node = await cluster.one();
    const error = await refusal(
      node.put("lamp", {
        "lamp.brightness": 101,
        "lamp.colour": "red",
        "lamp.hours": { from: 9, to: "x", until: "y" },
        "lamp.socket": "1",
        "lamp.password": "******",
        "log.level": "loud",
        "tracing.sampleRate": 0.5,
        __proto__x: 1,
      }),
    );
    expect(error).toMatchObject({ code: 422, type: "VALIDATION" });
    expect(error?.data.errors?.map(({ path }) => path).sort()).toEqual(
      [
        "__proto__x",
        "lamp.brightness",
        "lamp.colour",
        "lamp.hours",
        "lamp.password",
        "lamp.socket",
        "log.level",
        "tracing.sampleRate",
      ].map((name) => `properties.${name}`),
    );
    expect(await node.get("lamp")).toMatchObject({ version: 0, properties: { "lamp.brightness": 50 } });
    await expect(node.put("torch", { "log.level": "info" })).rejects.toMatchObject({ type: "APPLICATION_NOT_FOUND" });
  });

  it("is never lost to another at the same moment, and the versions are dense", async () => {
    const node = await cluster.one();
    const names = ["lamp.brightness", "lamp.socket"];
    await Promise.all(
      Array.from({ length: 30 }, (_, i) => node.put("lamp", { [names[i % 2] ?? ""]: i + 2 }, { profile: `p${i}` })),
    );
    const { items } = await node.history();
    expect(items.map(({ version }) => version)).toEqual(Array.from({ length: 30 }, (_, i) => 30 - i));
    for (let i = 0; i < 30; i++) expect((await node.get("lamp", `p${i}`)).properties[names[i % 2] ?? ""]).toBe(i + 2);
  });

  it("of a key that needs a restart waits for it, and is told", async () => {
    const node = await cluster.one();
    await node.put("lamp", { "lamp.socket": 9, "lamp.brightness": 9 });
    await eventually(() => node.lamp.brightness === 9, 2000);
    const { config } = nodeOf(node.broker);
    expect(node.lamp.socket).toBe(1);
    expect(config.deviations()).toEqual([
      { application: "lamp", key: "lamp.socket", pendingRestart: true, refused: undefined },
    ]);
    await cluster.stopAll();
    const again = await cluster.one({ DATA_DIR: node.dataDir });
    expect(again.lamp.socket).toBe(9);
    expect(nodeOf(again.broker).config.deviations()).toEqual([]);
  });
});

describe("the history", () => {
  it("says who changed what when, the newest first, page by page", async () => {
    const node = await cluster.one();
    for (const value of [1, 2, 3]) await node.put("lamp", { "lamp.brightness": value });
    const first = await node.history({ limit: 2 });
    const second = await node.history({ limit: 2, cursor: first.nextCursor });
    expect([...first.items, ...second.items]).toMatchObject(
      [
        [3, 2, 3],
        [2, 1, 2],
        [1, null, 1],
      ].map(([version, from, to]) => ({
        version,
        application: "lamp",
        profile: "default",
        by: "admin-1",
        at: expect.stringMatching(/Z$/),
        changes: [{ key: "lamp.brightness", from, to }],
      })),
    );
    expect(second.nextCursor).toBeNull();
    expect(JSON.stringify(first)).not.toContain("entries");
  });

  it("can be gone back in: what held then becomes a new version, live", async () => {
    const node = await cluster.one();
    await node.put("lamp", { "lamp.brightness": 1 });
    await node.put("application", { "log.level": "error" });
    await node.put("lamp", { "lamp.brightness": 2, "lamp.hours": { from: "a", to: "b" } });
    await eventually(() => node.lamp.brightness === 2, 2000);
    const back = await node.rollback(1);
    expect(back).toMatchObject({ version: 4, rollbackTo: 1, application: "*", profile: "default" });
    expect(back.changes).toHaveLength(3);
    await eventually(() => node.lamp.brightness === 1 && node.lamp.hours === "off", 2000);
    expect((await node.rollback(0)).version).toBe(5);
    await eventually(() => node.lamp.brightness === 50, 2000);
    await expect(node.rollback(99)).rejects.toMatchObject({ code: 404, type: "VERSION_NOT_FOUND" });
    expect((await node.get("lamp")).version).toBe(5);
  });

  it("outlives the node", async () => {
    const node = await cluster.one();
    await node.put("lamp", { "lamp.brightness": 7 });
    await cluster.stopAll();
    const again = await cluster.one({ DATA_DIR: node.dataDir });
    expect(again.lamp.brightness).toBe(7);
    expect(await again.put("lamp", { "lamp.brightness": 8 })).toMatchObject({ version: 2 });
    expect(existsSync(join(node.dataDir, "config", "config_versions.db"))).toBe(true);
  });
});
