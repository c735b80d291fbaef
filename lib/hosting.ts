import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "./environment";

const SERVICES = join(__dirname, "..", "services");

/** The service files of the folders that the environment names, all of them unless it names any. */
export function serviceFiles({ services, payment }: Environment): string[] {
  const folders = readdirSync(SERVICES);
  const unknown = services.filter((name) => !folders.includes(name));
  if (unknown.length > 0) throw new Error(`SERVICES names what is not a service here: ${unknown.join(", ")}`);
  const runsSandbox = payment.provider === "sandbox" && !payment.sandbox.url;
  return (services.length > 0 ? services : folders)
    .flatMap((folder) => readdirSync(join(SERVICES, folder)).map((file) => join(SERVICES, folder, file)))
    .filter((file) => /\.service\.(ts|js)$/.test(file))
    .filter((file) => runsSandbox || !/sandbox\.service\.(ts|js)$/.test(file));
}

/** What whoever started the shop wants to know first. */
export function welcome(environment: Environment): string {
  const { services, port, opsPort, demoData } = environment;
  const gateway = services.length === 0 || services.includes("api");
  const lines = [
    "",
    `  The shop is ready (${process.uptime().toFixed(1)} s).`,
    "",
    ...(gateway
      ? [`  API         http://localhost:${port}/api/v1`, `  Reference   http://localhost:${port}/docs`]
      : [`  Services    ${services.join(", ")}`]),
    `  Health      http://localhost:${opsPort}/health/ready`,
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
