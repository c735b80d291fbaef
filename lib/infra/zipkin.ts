import { runnableJar } from "./java";
import type { Found } from "./recipes";

/** Zipkin with its traces in memory, gone when it ends; a string says why it can't be. */
export async function findZipkin(): Promise<Found | string> {
  const java = await runnableJar("256m", "zipkin.xml", "zipkin-server-slim.jar");
  if (typeof java === "string") return java;
  return {
    kind: "zipkin",
    command: java.command,
    args: (_dir, port) => ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", ...java.args, ...listening(port)],
  };
}

/** On loopback only: it asks nobody who they are. */
function listening(port: number): string[] {
  const settings = { ip: "127.0.0.1", port, "protocols[0]": "http" };
  return Object.entries(settings).map(([name, value]) => `--armeria.ports[0].${name}=${value}`);
}
