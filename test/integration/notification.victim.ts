import { writeSync } from "node:fs";
import { newId } from "../../lib/ids";
import { messageFact, NotificationLab, Others, orderFact } from "./notification.parts";

/** A node with something to tell, to be killed at `CRASH_AT`: says whom, then does it. */
async function run(): Promise<void> {
  const others = new Others();
  const customerId = others.person();
  const conversationId = newId();
  others.unread.set(`${conversationId}:${customerId}`, 1);
  const lab = await NotificationLab.start(
    { DATA_DIR: process.env.DATA_DIR ?? "", SMTP_URL: process.env.SMTP_URL ?? "" },
    others,
  );
  writeSync(1, JSON.stringify({ customerId, conversationId }));
  if (process.env.STORY === "chat") await lab.publish(messageFact({ customerId, conversationId, seq: 1 }));
  else await lab.publish(orderFact(customerId));
}

run().catch((error: unknown) => {
  process.stderr.write(String(error));
  process.exit(1);
});
