import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../lib/infra/ports";
import { entryCommand, type Launched, launch } from "../../lib/infra/processes";
import { devDependencies, scripts } from "../../package.json";
import { eventually } from "../integration/node";
import { copyContext, linkProductionPackages } from "./context";
import { use, withTools } from "./tools";

const dockerfile = readFileSync("Dockerfile", "utf8");
const listOf = (instruction: RegExp): string[] => JSON.parse(instruction.exec(dockerfile)?.[1] ?? "[]");
const command = listOf(/^CMD (\[.*\])$/m);
const check = listOf(/^ +CMD (\[.*\])$/m);

it("runs what `npm start` runs and what the tests of the cluster run, on the same Node", () => {
  expect(`exec ${command.join(" ")}`).toBe(scripts.start);
  const { args } = entryCommand("start");
  expect(args).toEqual(["--require", require.resolve("tsx/cjs"), join(process.cwd(), "bin", "start.ts")]);
  expect(command.slice(1)).toEqual(["--require", "tsx/cjs", "bin/start.ts"]);
  expect(dockerfile).toContain(`ARG NODE=${devDependencies.node}-`);
});

describe("what goes into the image", () => {
  let folder: string;
  let tmp: string;
  let env: Record<string, string | undefined>;
  let node: Launched | undefined;

  beforeAll(async () => {
    const root = mkdtempSync(join(tmpdir(), "shop-image-"));
    folder = join(root, "shop");
    tmp = join(root, "tmp");
    mkdirSync(tmp);
    copyContext(folder);
    linkProductionPackages(folder);
    const [port, ops, sandbox] = await freePorts(3);
    const servers = { NATS_URL: undefined, MONGO_URL: undefined, REDIS_URL: undefined, KAFKA_BROKERS: undefined };
    env = {
      ...servers,
      NODE_ENV: "production",
      DATA_DIR: join(root, "data"),
      TMPDIR: tmp,
      PORT: String(port),
      OPS_PORT: String(ops),
      SANDBOX_PORT: String(sandbox),
      PAYMENT_PROVIDER: "sandbox",
      SANDBOX_SECRET_KEY: "of-this-test",
      JWT_KEY_SECRET: "of-this-test-and-32-characters-long",
    };
  });
  afterAll(async () => {
    await node?.kill();
    rmSync(join(folder, ".."), { recursive: true });
  });

  const inside = (name: string, [, ...args]: string[]) =>
    launch({ name, command: process.execPath, args, cwd: folder, env });
  const asks = async (...args: string[]) => (await inside("check", args).exited).code;

  it("is what the shop is made of, and nothing of this machine", () => {
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(["bin", "lib", "services", "package-lock.json"]));
    for (const name of ["test", ".git", "data", ".env", "docs", "deploy/k8s", "node_modules/jest", "node_modules/node"])
      expect([name, existsSync(join(folder, name))]).toEqual([name, false]);
  });

  it("starts in production with production's packages, is healthy by the image's check, writes nothing beside it, and ends with 0", async () => {
    const before = readdirSync(folder, { recursive: true });
    node = inside("node", command);
    const running = node;
    await eventually(async () => {
      if (!running.running) throw new Error(running.output());
      return (await asks("node", "deploy/health.js", "ready")) === 0;
    }, 60_000);
    expect(await asks(...check)).toBe(0);
    running.signal("SIGTERM");
    expect(await running.exited).toEqual({ code: 0, signal: null });
    expect(await asks(...check)).toBe(1);
    expect(readdirSync(folder, { recursive: true })).toEqual(before);
  }, 90_000);
});

withTools(["hadolint"], "Dockerfile", () => {
  it("is as hadolint wants it", async () => {
    expect(await use("hadolint", ["Dockerfile"])).toEqual({ ok: true, stdout: "", stderr: "" });
  });

  it("is refused with a mistake in it, so that this test can fail", async () => {
    const folder = mkdtempSync(join(tmpdir(), "shop-dockerfile-"));
    try {
      const file = join(folder, "Dockerfile");
      writeFileSync(file, dockerfile.replace('CMD ["node", "--require"', 'CMD node ["--require"'));
      expect(await use("hadolint", [file])).toMatchObject({ ok: false, stdout: expect.stringContaining("DL3025") });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
