import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NedbStore } from "../../lib/store/nedb";
import { StoredInbox } from "../../services/notification/inbox/stored";
import { inboxContract } from "./inbox.contract";

describe("an inbox in files", () => {
  const folder = mkdtempSync(join(tmpdir(), "inbox-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  inboxContract(async () => {
    const inbox = new StoredInbox(new NedbStore(folder));
    await inbox.open();
    return inbox;
  });
});
