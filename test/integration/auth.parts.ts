import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import { readEnvironment } from "../../lib/environment";
import { NedbStore } from "../../lib/store/nedb";
import type { Revocation } from "../../services/auth/auth.contract";
import { type AuthStore, authStore } from "../../services/auth/auth.store";

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is removed when the tests of the file are over. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "shop-"));
  made.push(folder);
  return folder;
}

/** A data folder in which auth's collections are as `prepare` leaves them; no node may be running on it. */
export async function withAuthStore(
  prepare: (store: AuthStore) => Promise<void>,
  dataDir = newFolder(),
): Promise<string> {
  const store = authStore(new NedbStore(dataDir), readEnvironment({ DATA_DIR: dataDir }));
  for (const collection of store.collections) await collection.open();
  await prepare(store);
  for (const collection of store.collections) await collection.close();
  return dataDir;
}

/** A service that keeps what it hears of `auth.revoked`, as a gateway does. */
export function listener(heard: Revocation[]) {
  return (_: ServiceBroker): ServiceSchema => ({
    name: "listener",
    events: {
      "auth.revoked"(ctx: { params: Revocation }) {
        heard.push(ctx.params);
      },
    },
  });
}
