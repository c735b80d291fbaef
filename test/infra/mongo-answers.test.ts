import { mongo } from "mongoose";
import { withServers } from "./servers";

type Counted = { _id: string } & Record<string, number | string>;

const FIELDS = 3000;
const ROUNDS = 100;
const CLIENTS = 8;

withServers(["mongo"], "a document that many change and read at once", ({ MONGO_URL = "" }) => {
  let clients: mongo.MongoClient[];
  beforeAll(async () => {
    const connect = () => new mongo.MongoClient(MONGO_URL, { retryReads: false, retryWrites: false }).connect();
    clients = await Promise.all(Array.from({ length: CLIENTS }, connect));
  });
  afterAll(async () => {
    await clients[0]?.db().dropDatabase();
    await Promise.all(clients.map((client) => client.close()));
  });

  it("is answered whole to each of them", async () => {
    const collections = clients.map((client) => client.db().collection<Counted>("counted"));
    const fields = Object.fromEntries(Array.from({ length: FIELDS }, (_, i) => [`f${i}`, i]));
    await collections[0]?.insertOne({ _id: "one", ...fields });
    const work = collections.map(async (collection, n) => {
      for (let round = 0; round < ROUNDS; round++) {
        const field = `client${n}`;
        const update = round % 2 === 0 ? { $set: { [field]: round } } : { $unset: { [field]: 1 } };
        const changed = await collection.findOneAndUpdate(
          { _id: "one" },
          update as unknown as mongo.UpdateFilter<Counted>,
          { returnDocument: "after" },
        );
        expect(changed?.[field]).toBe(round % 2 === 0 ? round : undefined);
        expect(Object.keys(changed ?? {}).length).toBeGreaterThan(FIELDS);
      }
    });
    await Promise.all(work);
    expect(await collections[0]?.findOne({ _id: "one" })).toEqual({ _id: "one", ...fields });
  }, 60_000);
});
