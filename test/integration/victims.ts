import { spawn } from "node:child_process";
import { commandOf } from "../compiled";

/**
 * Runs a victim of this folder until `CRASH_AT` kills it; answers what it wrote, read as JSON. Rejects when it got
 * past that point.
 */
export function killedAt<V>(victim: string, at: string, env: Record<string, string>): Promise<V> {
  const { command, args } = commandOf(`test/integration/${victim}`);
  const child = spawn(command, args, {
    env: { ...process.env, NODE_ENV: "test", CRASH_AT: at, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let complaint = "";
  child.stdout.on("data", (chunk) => {
    output += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    complaint += String(chunk);
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => child.kill("SIGTERM"), 20_000);
    child.on("close", (_, signal) => {
      clearTimeout(timer);
      if (signal === "SIGKILL") resolve(JSON.parse(output));
      else reject(new Error(`it was not killed at ${at}: ${complaint}`));
    });
  });
}
