import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection } from "mongoose";
import { newId } from "../../lib/ids";
import { missing, servers } from "../../lib/infra";
import { freePorts } from "../../lib/infra/ports";
import { MongoStore } from "../../lib/store/mongo";
import { storeContract } from "../integration/store.contract";

const names = ["mongo"] as const;
const dir = mkdtempSync(join(tmpdir(), "shop-mongo-"));
let stop = async () => {};
let url = "";
let kind: string | undefined;

beforeAll(async () => {
  const absent = await missing({ names });
  if (absent.length > 0) throw new Error(absent.map(({ text }) => text).join("\n"));
  const [basePort = 0] = await freePorts(1);
  const set = servers({ dir, basePort: basePort - 2, names });
  await set.start();
  stop = () => set.stop();
  kind = (await set.status())[0]?.kind;
  const { MONGO_URL = "" } = await set.env();
  // A database of its own, also on a server that was given.
  const address = new URL(MONGO_URL);
  address.pathname = `/store-${newId()}`;
  url = address.toString();
}, 300_000);

afterAll(async () => {
  const connection = await createConnection(url).asPromise();
  await connection.dropDatabase();
  await connection.close();
  await stop();
  rmSync(dir, { recursive: true, force: true });
}, 60_000);

describe("MongoDB as the store", () => {
  storeContract(
    () => new MongoStore(url),
    () => kind === "mongo-java-server",
  );
});
