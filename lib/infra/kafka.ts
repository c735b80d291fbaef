import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { javaProgram } from "./java";
import { run } from "./programs";
import type { Found } from "./recipes";

/** The client compiler alone and one collector thread: a node for tests starts sooner and leaves the cores to them. */
const JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/** One node that is broker and controller, from the jars; a string says why it can't be. */
export async function findKafka(): Promise<Found | string> {
  const java = await javaProgram("512m");
  if (typeof java === "string") return java;
  const program = [...java.args.slice(0, 1), ...JVM, ...java.args.slice(1)];
  return {
    kind: "kafka",
    command: java.command,
    args: async (dir, port) => {
      const file = join(dir, "server.properties");
      writeFileSync(file, properties(join(dir, "data"), port));
      if (!existsSync(join(dir, "data/meta.properties"))) await format(java.command, program, file);
      return [...program, "kafka.Kafka", file];
    },
  };
}

/** Written at every start, as the ports may be others; what names the cluster is in the data. */
function properties(data: string, port: number): string {
  const [broker, controller] = [`127.0.0.1:${port}`, `127.0.0.1:${port + 1}`];
  const settings = {
    "process.roles": "broker,controller",
    "node.id": "1",
    listeners: `PLAINTEXT://${broker},CONTROLLER://${controller}`,
    "advertised.listeners": `PLAINTEXT://${broker}`,
    "controller.listener.names": "CONTROLLER",
    "controller.quorum.voters": `1@${controller}`,
    "log.dirs": data,
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    // After a kill the node may only come back when the session of the one before has ended.
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

/** Gives the data folder its cluster's id. */
async function format(java: string, program: readonly string[], file: string): Promise<void> {
  // A leading dash would be read as an option.
  const id = `s${randomBytes(16).toString("base64url").slice(1)}`;
  const args = [...program, "kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", id, "-c", file];
  const ran = await run(java, args, { ms: 60_000 });
  if (!ran.ok) throw new Error(`kafka could not prepare its data folder: ${(ran.stderr || ran.stdout).trim()}`);
}
