import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { readEnvironment } from "../../lib/environment";
import { freeRange } from "../../lib/infra/ports";
import { brokerOptions } from "../../moleculer.config";
import { eventually, startNode, type TestNode } from "../integration/node";
import { withServers } from "./servers";

const PASSWORD = "p@ss:wörd/1";
const LOGIN = `shop:${encodeURIComponent(PASSWORD)}@`;

const desk = (): ServiceSchema => ({ name: "desk", actions: { ask: () => "answer" } });

withServers(["nats"], "a NATS server that asks who is there", () => {
  const dir = mkdtempSync(join(tmpdir(), "shop-nats-"));
  const [certificate, key] = [join(dir, "certificate.pem"), join(dir, "key.pem")];
  const started: ChildProcess[] = [];
  const nodes: TestNode[] = [];
  const trusted = getCACertificates();

  beforeAll(() => {
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    const made = [
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      key,
      "-out",
      certificate,
    ];
    execFileSync("openssl", ["req", "-x509", "-days", "1", ...made, ...subject], { stdio: "ignore" });
  });
  afterEach(async () => {
    for (const node of nodes.splice(0)) await node.stop();
    for (const server of started.splice(0)) {
      const ended = once(server, "exit");
      server.kill();
      await ended;
    }
    setDefaultCACertificates(trusted);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  async function serve(...args: string[]): Promise<number> {
    const port = await freeRange(1);
    const server = spawn("nats-server", ["-a", "127.0.0.1", "-p", `${port}`, ...args], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    started.push(server);
    let said = "";
    server.stderr?.on("data", (chunk) => {
      said += chunk;
    });
    await eventually(() => said.includes("Server is ready"));
    return port;
  }

  async function answered(NATS_URL: string): Promise<unknown> {
    for (const services of [[], [desk]]) nodes.push(await startNode(services, { NATS_URL }));
    await nodes[0]?.broker.waitForServices("desk");
    return nodes[0]?.broker.call("desk.ask");
  }

  /** Code of the error that a node has, which logs it without the password. */
  async function refused(NATS_URL: string): Promise<unknown> {
    const environment = {
      NATS_URL,
      DATA_DIR: join(dir, "data"),
      OPS_PORT: "0",
      LOG_LEVEL: "error",
      LOG_FORMAT: "json",
    };
    const lines: string[] = [];
    const write = jest.spyOn(process.stdout, "write").mockImplementation((line) => lines.push(String(line)) > 0);
    const broker = new ServiceBroker({
      ...brokerOptions(readEnvironment(environment)),
      transit: { disableReconnect: true },
    });
    try {
      const error = once(broker.localBus as never, "$transporter.error");
      void broker.start().catch(() => undefined);
      const [
        {
          error: { code },
        },
      ] = (await error) as [{ error: { code: string } }];
      return code;
    } finally {
      write.mockRestore();
      await broker.stop();
      expect(lines.join("")).toContain("NATS cannot be used");
      for (const secret of [PASSWORD, encodeURIComponent(PASSWORD)]) expect(lines.join("")).not.toContain(secret);
    }
  }

  it("is told user and password, which are nowhere to be seen", async () => {
    const port = await serve("--user", "shop", "--pass", PASSWORD);
    await expect(answered(`nats://${LOGIN}127.0.0.1:${port}`)).resolves.toBe("answer");
    await expect(refused(`nats://127.0.0.1:${port}`)).resolves.toBe("AUTHORIZATION_VIOLATION");
    await expect(refused(`nats://shop:wrong@127.0.0.1:${port}`)).resolves.toBe("AUTHORIZATION_VIOLATION");
  }, 60_000);

  it("is told a token", async () => {
    const port = await serve("--auth", "to/ken");
    await expect(answered(`nats://to%2Fken@127.0.0.1:${port}`)).resolves.toBe("answer");
  }, 60_000);

  it("is the one of several that is there", async () => {
    const port = await serve("--user", "shop", "--pass", PASSWORD);
    const dead = await freeRange(2);
    const urls = [`nats://${LOGIN}127.0.0.1:${port}`, `nats://127.0.0.1:${dead}`, `nats://127.0.0.1:${dead + 1}`];
    await expect(answered(urls.join(","))).resolves.toBe("answer");
  }, 60_000);

  it("has to encrypt with tls:// and to have a certificate that is trusted", async () => {
    const plain = await serve("--user", "shop", "--pass", PASSWORD);
    await expect(refused(`tls://${LOGIN}localhost:${plain}`)).resolves.toBe("SERVER_OPT_NA");
    const encrypted = await serve(
      "--user",
      "shop",
      "--pass",
      PASSWORD,
      "--tls",
      "--tlscert",
      certificate,
      "--tlskey",
      key,
    );
    await expect(refused(`tls://${LOGIN}localhost:${encrypted}`)).resolves.toMatch(/DEPTH_ZERO_SELF_SIGNED_CERT|TLS/);
    setDefaultCACertificates([...trusted, readFileSync(certificate, "utf8")]);
    await expect(answered(`tls://${LOGIN}localhost:${encrypted}`)).resolves.toBe("answer");
  }, 60_000);
});
