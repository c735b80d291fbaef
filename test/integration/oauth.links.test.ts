import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NedbStore } from "../../lib/store/nedb";
import { linksContract } from "./oauth.links.contract";

const dataDir = mkdtempSync(join(tmpdir(), "shop-"));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

describe("links in files", () => linksContract(() => new NedbStore(dataDir)));
