import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NedbStore } from "../../lib/store/nedb";
import { chatRacing } from "./chat.racing.contract";

chatRacing("the embedded store", async () => {
  const directory = mkdtempSync(join(tmpdir(), "shop-"));
  return {
    store: new NedbStore(directory),
    close: async () => rmSync(directory, { recursive: true, force: true }),
  };
});
