import { createConnection } from "mongoose";
import { MongoStore } from "../../lib/store/mongo";
import { chatRacing } from "../integration/chat.racing.contract";
import { withServers } from "./servers";

withServers(["mongo"], "the chat's messages", ({ MONGO_URL = "" }) =>
  chatRacing("MongoDB", async () => ({
    store: new MongoStore(MONGO_URL),
    async close() {
      const connection = await createConnection(MONGO_URL).asPromise();
      await connection.dropDatabase();
      await connection.close();
    },
  })),
);
