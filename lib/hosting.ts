import { readdirSync } from "node:fs";
import { createServer, isIPv6, type Server } from "node:net";
import { basename, join } from "node:path";
import { type Environment, EnvironmentError } from "./environment";

const SERVICES = join(__dirname, "..", "services");

/** Every service there is, by its folder. */
export const serviceNames = (): string[] => readdirSync(SERVICES);

/** The service files of the folders that the environment names (`by` says how, for messages), all of them unless it names any. */
export function serviceFiles({ services, payment }: Environment, by = "SERVICES"): string[] {
  const folders = serviceNames();
  const unknown = services.filter((name) => !folders.includes(name));
  if (unknown.length > 0)
    throw new EnvironmentError(
      `${by} names what is not a service here: ${unknown.join(", ")}; there are ${folders.join(", ")}`,
    );
  const runsSandbox = payment.provider === "sandbox" && !payment.sandbox.url;
  return (services.length > 0 ? services : folders)
    .flatMap((folder) => readdirSync(join(SERVICES, folder)).map((file) => join(SERVICES, folder, file)))
    .filter((file) => /\.service\.(ts|js)$/.test(file))
    .filter((file) => runsSandbox || !/sandbox\.service\.(ts|js)$/.test(file));
}

function take(variable: string, port: number, host?: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", ({ code }: Error & { code?: string }) => {
      if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
        return reject(new EnvironmentError(`${host} is no address of this machine: set OPS_HOST`));
      const reason = code === "EADDRINUSE" ? "is already in use" : `cannot be used (${code})`;
      reject(new EnvironmentError(`Port ${port} ${reason}: set ${variable}`));
    });
    server.listen({ port, host }, () => resolve(server));
  });
}

/** Throws {@link EnvironmentError}, naming the variable, where a port that the service files need is another one's. */
export async function demandPorts(files: string[], { port, opsPort, opsHost, payment }: Environment): Promise<void> {
  const hosts = (service: string) => files.some((file) => basename(file).startsWith(`${service}.service.`));
  const taken: Server[] = [];
  try {
    // One after the other and held: of two variables with the same port the second is named.
    if (hosts("api")) taken.push(await take("PORT", port));
    taken.push(await take("OPS_PORT", opsPort, opsHost));
    if (hosts("sandbox")) taken.push(await take("SANDBOX_PORT", payment.sandbox.port));
  } finally {
    await Promise.all(taken.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

/** What whoever started the shop wants to know first. */
export function welcome(environment: Environment): string {
  const { services, port, opsPort, opsHost = "localhost", demoData } = environment;
  const gateway = services.length === 0 || services.includes("api");
  const lines = [
    "",
    `  The shop is ready (${process.uptime().toFixed(1)} s).`,
    "",
    ...(gateway
      ? [`  API         http://localhost:${port}/api/v1`, `  Reference   http://localhost:${port}/docs`]
      : [`  Services    ${services.join(", ")}`]),
    `  Health      http://${isIPv6(opsHost) ? `[${opsHost}]` : opsHost}:${opsPort}/health/ready`,
    ...(demoData && gateway
      ? [
          "",
          "  Accounts    customer@example.com   agent@example.com   admin@example.com",
          "  Password    demo-password-1234",
        ]
      : []),
    "",
  ];
  return `${lines.join("\n")}\n`;
}
