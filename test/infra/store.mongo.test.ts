import { createConnection } from "mongoose";
import { MongoStore } from "../../lib/store/mongo";
import { storeContract } from "../integration/store.contract";
import { withServers } from "./servers";

withServers(["mongo"], "MongoDB as the store", ({ MONGO_URL = "" }) => {
  let standIn = false;
  beforeAll(async () => {
    const connection = await createConnection(MONGO_URL).asPromise();
    const build = await connection.db?.command({ buildInfo: 1 });
    // Only the Java stand-in leaves out the storage engines.
    standIn = build?.storageEngines === undefined;
    await connection.close();
  });
  afterAll(async () => {
    const connection = await createConnection(MONGO_URL).asPromise();
    await connection.dropDatabase();
    await connection.close();
  });

  storeContract(
    () => new MongoStore(MONGO_URL),
    () => standIn,
  );
});
