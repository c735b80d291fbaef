import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readEnvironment } from "../../lib/environment";
import { serviceNames } from "../../lib/hosting";
import { projectRoot, type Ran, run } from "../../lib/infra/programs";
import { withConfigKeys } from "./secrets";
import { commandOf, use, withTools } from "./tools";

interface Service {
  image: string;
  profiles?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  restart?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  logging?: { options: Record<string, string> };
  deploy?: { resources: { limits: { memory: string } } };
  ports?: { published: string; target: number; host_ip?: string }[];
  networks?: Record<string, unknown>;
  volumes?: { type: string; source: string; target: string }[];
}

const SERVERS = ["kafka", "mongo", "nats", "redis"];
/** What each file of deploy has to have for a start in production, with the sandbox. */
const SECRETS: Record<string, Record<string, string>> = {
  "auth.env": { JWT_KEY_SECRET: "x".repeat(32) },
  "payment.env": { SANDBOX_SECRET_KEY: "x" },
};
/** By service, which files of deploy it is given; the others get `settings.env` alone. */
const FILES: Record<string, string[]> = {
  auth: ["auth.env"],
  config: ["config.env"],
  notification: ["notification.env"],
  payment: ["config.env", "payment.env"],
};

/** As Compose understands a file, whatever variables this machine has; `resolved` with what files beside it give containers. */
function load(file: string, resolved = false): Promise<Ran> {
  const compose = commandOf("compose")?.[0]?.endsWith("docker-compose");
  const args = compose
    ? ["-f", file, "--profile", "*", "config", ...(resolved ? [] : ["--no-env-resolution"]), "--format", "json"]
    : ["-format", "json", file];
  return use("compose", args, { PORT: "", NODE_ENV: "", WEB_URL: "", PAYMENT_PROVIDER: "", COMPOSE_PROFILES: "*" });
}

withTools(["compose"], "docker-compose.yml", () => {
  let services: Record<string, Service>;
  const ours = () => Object.entries(services).filter(([, { image }]) => image.startsWith("shop:"));

  beforeAll(async () => {
    const { ok, stdout, stderr } = await load("docker-compose.yml");
    if (!ok) throw new Error(stderr);
    services = JSON.parse(stdout).services;
  });

  it("has each service of ours by its name, which hosts that one", () => {
    expect(
      ours()
        .map(([name]) => name)
        .sort(),
    ).toEqual(serviceNames().sort());
    for (const [name, { environment }] of ours()) expect([name, environment?.SERVICES]).toEqual([name, name]);
  });

  it("has the servers, what operators look at, and a balancer on port 3000", () => {
    expect(Object.keys(services)).toEqual(
      expect.arrayContaining([...SERVERS, "zipkin", "prometheus", "grafana", "balancer"]),
    );
    expect(services.balancer?.ports?.map(({ published, target }) => `${published}:${target}`)).toContain("3000:3000");
  });

  it("starts the four servers alone unless a profile is named, and everything in `full`", () => {
    const named = (profile?: string) =>
      Object.keys(services)
        .filter((name) => !services[name]?.profiles || services[name].profiles.includes(profile ?? ""))
        .sort();
    expect(named()).toEqual(SERVERS);
    expect(named("development")).toEqual([...SERVERS, "zipkin"].sort());
    expect(named("full")).toEqual(Object.keys(services).sort());
  });

  it("gives our nodes an environment that they start with in production once the secrets of their own are there", () => {
    for (const [name, { environment = {} }] of ours()) {
      const secrets = FILES[name]?.map((file) => SECRETS[file] ?? {}) ?? [];
      expect(() => readEnvironment(Object.assign({ ...environment }, ...secrets))).not.toThrow();
    }
    const without = (name: string) => () => readEnvironment({ ...services[name]?.environment });
    expect(without("auth")).toThrow("JWT_KEY_SECRET is not set");
    expect(without("payment")).toThrow("SANDBOX_SECRET_KEY is not set");
  });

  it("gives each node the secrets that it needs and a volume, neither of which another one has", async () => {
    const folder = mkdtempSync(join(tmpdir(), "shop-compose-"));
    try {
      mkdirSync(join(folder, "deploy"));
      const files = ["settings.env", ...new Set(Object.values(FILES).flat())];
      for (const file of files) writeFileSync(join(folder, "deploy", file), `FROM_${file.replace(".env", "")}=yes\n`);
      cpSync("docker-compose.yml", join(folder, "docker-compose.yml"));
      const { stdout } = await load(join(folder, "docker-compose.yml"), true);
      const loaded: Record<string, Service> = JSON.parse(stdout).services;
      for (const [name, { environment = {} }] of Object.entries(loaded)) {
        const given = Object.keys(environment).flatMap((key) => /^FROM_(.*)$/.exec(key)?.[1] ?? []);
        const own = (FILES[name] ?? []).map((file) => file.replace(".env", ""));
        expect([name, given.sort()]).toEqual([name, serviceNames().includes(name) ? [...own, "settings"].sort() : []]);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
    for (const [name, { volumes = [] }] of ours())
      expect([name, volumes.map(({ source, target }) => `${source}:${target}`)]).toEqual([
        name,
        [`${name}-data:/data`],
      ]);
  });

  it("gives the keys of secret settings to config and to whoever declares some", () => {
    expect(Object.keys(FILES).filter((name) => FILES[name]?.includes("config.env"))).toEqual(withConfigKeys());
  });

  it("keeps the files of secrets out of git", async () => {
    const files = ["settings", "auth", "config", "notification", "payment"].map((name) => `deploy/${name}.env`);
    const { stdout } = await run("git", ["check-ignore", ...files], { cwd: projectRoot() });
    expect(stdout.trim().split("\n")).toEqual(files);
  });

  it("holds no secret", () => {
    for (const [name, { environment = {} }] of Object.entries(services)) {
      const secret = Object.keys(environment).filter((key) => /SECRET|PASSWORD|TOKEN|_KEY$/.test(key));
      expect([name, secret]).toEqual([name, []]);
    }
  });

  it("starts a node once its servers are healthy, and confines it", () => {
    for (const [name, node] of ours()) {
      const needs = Object.entries(node.depends_on ?? {}).map(([on, { condition }]) => `${on} ${condition}`);
      expect([name, needs.sort()]).toEqual([name, SERVERS.map((server) => `${server} service_healthy`)]);
      expect(node).toMatchObject({ read_only: true, cap_drop: ["ALL"] });
      // What is open to the host is the balancer's alone.
      expect(node.ports ?? []).toEqual([]);
    }
  });

  it("watches, restarts, bounds and pins every container", () => {
    for (const [name, service] of Object.entries(services)) {
      expect({ name, ...service }).toMatchObject({
        name,
        healthcheck: { test: expect.any(Array) },
        restart: "unless-stopped",
        security_opt: ["no-new-privileges:true"],
        logging: { driver: "json-file", options: { "max-size": "10m", "max-file": "3" } },
        deploy: { resources: { limits: { memory: expect.anything() } } },
      });
      if (!service.image.startsWith("shop:")) expect(service.image).toMatch(/:v?\d+\.\d+\.\d+/);
      for (const { host_ip } of service.ports ?? []) if (name !== "balancer") expect(host_ip).toBe("127.0.0.1");
    }
  });

  it("is refused with a mistake in it, so that this test can fail", async () => {
    const folder = mkdtempSync(join(tmpdir(), "shop-compose-"));
    try {
      const file = join(folder, "docker-compose.yml");
      writeFileSync(file, readFileSync("docker-compose.yml", "utf8").replace("read_only:", "read_onyl:"));
      const { ok, stderr } = await load(file);
      expect({ ok, stderr }).toEqual({ ok: false, stderr: expect.stringContaining("read_onyl") });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
