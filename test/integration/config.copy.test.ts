import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readEnvironment } from "../../lib/environment";
import { copyPath, readCopy, writeCopy } from "../../mixins/config-copy";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "shop-copy-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("is one of those that nodes write at once, whole, where containers share a folder and each process is the first", async () => {
  const environment = readEnvironment({ DATA_DIR: folder, SERVICES: "order" });
  const written = Array.from({ length: 30 }, (_, version) => ({
    version,
    etag: `"${version}"`,
    values: { order: { "order.shippingFee": "x".repeat(version * 10_000) } },
  }));
  await Promise.all(written.map((values) => writeCopy(environment, values)));
  const found = await readCopy(environment);
  expect(found).toEqual(written[found?.version ?? -1]);
  expect(readdirSync(folder)).toEqual(["config-order.json"]);
  expect(statSync(copyPath(environment)).mode & 0o777).toBe(0o600);
});
