import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NedbStore } from "../../lib/store/nedb";
import { onceContract } from "./once.contract";

describe("an effect in the embedded store", () => {
  const dir = mkdtempSync(join(tmpdir(), "shop-once-"));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  onceContract(() => new NedbStore(dir));
});
