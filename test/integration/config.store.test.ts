import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NedbStore } from "../../lib/store/nedb";
import { configStoreContract } from "./config.store.contract";

const folder = mkdtempSync(join(tmpdir(), "shop-config-store-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("versions in the embedded store", () => configStoreContract(() => new NedbStore(folder)));
