import { execFileSync } from "node:child_process";
import { configCrashPoints } from "../../services/config/config.crash-points";
import { commandOf } from "../compiled";
import { Cluster } from "./config.parts";
import { killedAt } from "./victims";

let cluster: Cluster;
beforeEach(() => {
  cluster = new Cluster();
});
afterEach(() => cluster.end());

const { command, args } = commandOf("test/integration/config.victim");

/** What a process writes that does a story. */
const told = (env: Record<string, string>): string =>
  execFileSync(command, args, {
    env: { ...process.env, NODE_ENV: "test", DATA_DIR: cluster.folder(), ...env },
    encoding: "utf8",
    timeout: 30_000,
  });

it.each(configCrashPoints)(
  "kill -9 at %s leaves a change done or not done, and nothing is lost",
  async (point) => {
    const dataDir = cluster.folder();
    await killedAt("config.victim", point, { DATA_DIR: dataDir, STORY: "change" });
    const node = await cluster.one({ DATA_DIR: dataDir });
    const { version } = await node.get("lamp");
    // Killed in its first change.
    expect(version).toBe(point === "config.version.stored" ? 1 : 0);
    expect(node.lamp.brightness).toBe(version === 1 ? 1 : 50);
    expect(await node.put("lamp", { "lamp.brightness": 3 })).toMatchObject({ version: version + 1 });
    expect((await node.history()).items).toHaveLength(version + 1);
  },
  40_000,
);

it("a secret is in no line of the log, at the lowest level", () => {
  const SECRET = "open-sesame-of-this-test";
  const log = told({ STORY: "secret", SECRET, LOG_LEVEL: "trace" });
  expect(log).toContain("the configuration changed");
  expect(log).toContain("lamp.password");
  expect(log.includes(SECRET)).toBe(false);
}, 40_000);

it("levels of logs follow at once, of one service or of all that have none of their own, except where one is forced", () => {
  const log = told({ STORY: "levels", LOG_LEVEL: "warn" });
  const said = [...log.matchAll(/"msg":"((?:lamp|others)-[a-z-]+)"/g)].map(([, text]) => text);
  expect(said).toEqual(["lamp-of-one", "others-of-all"]);
}, 40_000);
