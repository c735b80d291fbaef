import { createConnection } from "mongoose";
import { MongoStore } from "../../lib/store/mongo";
import { onceContract } from "../integration/once.contract";
import { storeContract } from "../integration/store.contract";
import { serverKind, withServers } from "./servers";

withServers(["mongo"], "MongoDB as the store", ({ MONGO_URL = "" }) => {
  afterAll(async () => {
    const connection = await createConnection(MONGO_URL).asPromise();
    await connection.dropDatabase();
    await connection.close();
  });

  storeContract(
    () => new MongoStore(MONGO_URL),
    () => serverKind("mongo") === "mongo-java-server",
  );
});

withServers(["mongo"], "an effect in MongoDB", ({ MONGO_URL = "" }) => onceContract(() => new MongoStore(MONGO_URL)));
