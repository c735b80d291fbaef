import { writeSync } from "node:fs";
import { ChatLab } from "./chat.parts";

/** A node to be killed at `CRASH_AT`: says in which conversation, then writes there. */
async function run(): Promise<void> {
  const lab = await ChatLab.start({ DATA_DIR: process.env.DATA_DIR ?? "" });
  const customer = await lab.person("customer", "Kim");
  const { id } = await lab.open(customer);
  writeSync(1, JSON.stringify({ customerId: customer.id, conversationId: id }));
  await lab.send(customer, id, "one", { clientMsgId: "m-1" });
}

run().catch((error: unknown) => {
  process.stderr.write(String(error));
  process.exit(1);
});
