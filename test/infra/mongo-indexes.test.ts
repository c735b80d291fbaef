import { mongo } from "mongoose";
import { Chance } from "../chaos/chance";
import { withServers } from "./servers";

type Doc = { _id: string | number; [field: string]: unknown };
type Query = mongo.Filter<Doc>;

const STRINGS = ["", "a", "ab", "b", "c", "d", "é", "z"];
const FIELDS = ["place", "tags", "sender.id", "tags.0", "plain"];
const INDEXES: [mongo.IndexSpecification, mongo.CreateIndexesOptions?][] = [
  [{ place: 1, _id: -1 }, { sparse: true }],
  [{ tags: 1 }],
  [{ "tags.0": 1 }],
  [{ "sender.id": 1 }],
  [{ email: 1 }, { unique: true, sparse: true }],
];

/** What fields of our documents hold, and what others might: lists, lists in lists, subdocuments, other types, nothing. */
function value(chance: Chance): unknown {
  const string = () => chance.pick(STRINGS);
  const kinds = { string: 6, list: 3, number: 1, null: 1, nested: 1, document: 1, absent: 2 };
  const kind = chance.weighted(kinds);
  if (kind === "string") return string();
  if (kind === "list") return Array.from({ length: chance.between(0, 3) }, string);
  if (kind === "nested") return [[string()], { id: string() }, 1];
  if (kind === "document") return { id: string(), 0: string() };
  return { number: 1, null: null, absent: undefined }[kind];
}

const sender = (chance: Chance) => chance.pick([{ id: value(chance) }, [{ id: value(chance) }, { id: "b" }], "a"]);

function fieldsOf(chance: Chance, id: Doc["_id"]): Omit<Doc, "_id"> {
  const plain = value(chance);
  const email = chance.between(0, 2) > 0 ? `${id}@` : undefined;
  return {
    rank: chance.pick(STRINGS),
    place: value(chance),
    tags: value(chance),
    sender: sender(chance),
    plain,
    email,
  };
}

const idOf = (number: number): Doc["_id"] => `d${String(number).padStart(4, "0")}`;

function condition(chance: Chance, strings: readonly string[]): unknown {
  const string = () => chance.pick(strings);
  return chance.pick([
    string,
    () => ({ $eq: string() }),
    () => ({ $in: [string(), string(), string()] }),
    () => ({ $in: [] }),
    () => ({ $in: [string(), null, 1] }),
    () => ({ $gt: string() }),
    () => ({ $gte: string() }),
    () => ({ $gte: string(), $lt: string() }),
    () => ({ $gt: string(), $lte: string() }),
    () => ({ $lte: string() }),
    () => ({ $gt: string(), $ne: string() }),
    () => ({ $ne: string() }),
    () => ({ $exists: chance.between(0, 1) === 1 }),
    () => ({ $gt: 0 }),
    () => null,
    () => /^[ab]/,
  ])();
}

function query(chance: Chance, ids: string[]): Query {
  const asked: Record<string, unknown> = {};
  for (let more = chance.between(0, 2); more > 0; more--) asked[chance.pick(FIELDS)] = condition(chance, STRINGS);
  if (chance.between(0, 2) === 0) asked._id = condition(chance, ids);
  if (chance.between(0, 5) === 0)
    asked.email = condition(
      chance,
      ids.slice(0, 9).map((id) => `${id}@`),
    );
  const other = { [chance.pick(FIELDS)]: condition(chance, STRINGS) };
  return chance.pick([asked, asked, asked, { $or: [asked, other] }, { ...asked, $and: [other, { tags: "a" }] }]);
}

const byId = (documents: Doc[]) => documents.map((doc) => JSON.stringify(doc)).sort();

type Order = Record<string, 1 | -1>;

/** A collection, and how it is asked. */
interface Asked {
  of: mongo.Collection<Doc>;
  query: (query: Query) => Query;
  order: (order: Order) => Order;
}

/** What the documents of a query are to one who reads, counts and pages. */
async function answers({ of, ...as }: Asked, chance: Chance, ids: string[]): Promise<unknown> {
  const asked = as.query(query(chance, ids));
  const order = chance.pick<Order>([{ _id: 1 }, { _id: -1 }, { rank: 1, _id: 1 }, { rank: -1, _id: -1 }]);
  const [skip, limit] = [chance.between(0, 3), chance.between(1, 20)];
  return {
    all: byId(await of.find(asked).toArray()),
    page: await of.find(asked).sort(as.order(order)).skip(skip).limit(limit).project({ place: 1 }).toArray(),
    one: (await of.find(asked).limit(1).toArray()).length,
    count: await of.countDocuments(asked),
    distinct: (await of.distinct("place", asked)).map((place) => JSON.stringify(place)).sort(),
  };
}

/** One write of each kind that the store knows. */
async function write({ of: to, ...as }: Asked, chance: Chance, ids: string[], number: number): Promise<unknown> {
  const some = query(chance, ids);
  const asked = as.query(some);
  const fields = fieldsOf(chance, idOf(number));
  const fresh = { _id: idOf(number), ...fields };
  const set = { [chance.pick(["place", "tags", "plain"])]: value(chance) ?? "b" };
  const sort = as.order({ _id: 1 });
  return chance.pick([
    () => to.insertOne(fresh, { ignoreUndefined: true }),
    () => to.insertOne(fresh, { ignoreUndefined: true }),
    () => to.findOneAndUpdate(asked, { $set: set, $unset: { sender: "" } }, { sort, returnDocument: "after" }),
    () => to.findOneAndUpdate(asked, { $set: { "sender.id": "c" } }, { sort }).catch(() => "not there"),
    () => to.updateMany(as.query({ ...some, tags: "a" }), { $set: set }),
    () => to.updateOne({ _id: idOf(number - 20) }, { $unset: { place: "", email: "" } }),
    () => to.findOneAndDelete(asked, { sort }),
    () => to.deleteMany(as.query({ ...some, plain: "z" })),
    () => to.replaceOne({ _id: idOf(number - 9) }, fields, { ignoreUndefined: true }),
  ])();
}

withServers(["mongo"], "indexes of MongoDB", ({ MONGO_URL = "" }) => {
  const client = new mongo.MongoClient(MONGO_URL);
  const indexed: Asked = { of: client.db().collection("indexed"), query: (query) => query, order: (order) => order };
  // Ids have an index without being asked for one, which is not used for this query or order, though they mean the same.
  const bare: Asked = {
    of: client.db().collection("bare"),
    query: (query) => ({ $or: [query] }),
    order: (order) => ({ ...order, nothing: 1 }),
  };
  const declare = async () => {
    for (const [keys, options] of INDEXES) await indexed.of.createIndex(keys, options ?? {});
  };

  afterEach(async () => {
    for (const { of } of [indexed, bare]) await of.drop();
  });
  afterAll(async () => {
    await client.db().dropDatabase();
    await client.close();
  });

  // Where not all ids are strings, their order is another matter.
  const others = [
    { _id: 9, tags: "a" },
    { _id: 8.5, place: "b" },
  ];

  test.each([
    [1, []],
    [2, others],
    [3, []],
    [4, others],
  ])("change no answer, through inserts, changes and removals (seed %i)", async (seed, more) => {
    const same = async (what: string, ask: (asked: Asked, chance: Chance) => Promise<unknown>) =>
      expect(await ask(indexed, new Chance(seed, what))).toEqual(await ask(bare, new Chance(seed, what)));
    const first = new Chance(seed, "documents");
    const documents = Array.from({ length: 120 }, (_, i) => ({ _id: idOf(i), ...fieldsOf(first, idOf(i)) }));
    const ids = documents.map(({ _id }) => String(_id));
    const insert = ({ of }: Asked, some: Doc[]) => of.insertMany(some, { ignoreUndefined: true });
    await same("", (asked) => insert(asked, [...more, ...documents.slice(0, 60)]));
    await declare();
    await same("", (asked) => insert(asked, documents.slice(60)));
    for (let step = 0; step < 100; step++) {
      if (step === 40) await indexed.of.dropIndex("tags_1");
      if (step === 60) await declare();
      await same(`write ${step}`, (asked, chance) => write(asked, chance, ids, documents.length + step));
      await same(`read ${step}`, (asked, chance) => answers(asked, chance, ids));
    }
    await same("", async ({ of }) => byId(await of.find().toArray()));
    expect(await indexed.of.countDocuments({})).toBeGreaterThan(20);
  });
});
