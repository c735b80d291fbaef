import { writeSync } from "node:fs";
import { DeskLab } from "./desk.parts";

/** A node to be killed at `CRASH_AT`: says who is there, then gives an agent a conversation and closes it. */
async function run(): Promise<void> {
  const desk = await DeskLab.start({ DATA_DIR: process.env.DATA_DIR ?? "" });
  const [agent, customer] = [await desk.agent({ capacity: 1 }), await desk.person("customer")];
  writeSync(1, JSON.stringify({ agent, customer }));
  const { id } = await desk.open(customer);
  await desk.act(customer, "close", id);
}

run().catch((error: unknown) => {
  process.stderr.write(String(error));
  process.exit(1);
});
