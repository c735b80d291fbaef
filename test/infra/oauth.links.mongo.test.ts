import { createConnection } from "mongoose";
import { MongoStore } from "../../lib/store/mongo";
import { linksContract } from "../integration/oauth.links.contract";
import { withServers } from "./servers";

withServers(["mongo"], "links in MongoDB", ({ MONGO_URL = "" }) => {
  afterAll(async () => {
    const connection = await createConnection(MONGO_URL).asPromise();
    await connection.dropDatabase();
    await connection.close();
  });

  linksContract(() => new MongoStore(MONGO_URL));
});
