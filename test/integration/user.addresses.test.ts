import type { Meta } from "../../lib/actions";
import { newId } from "../../lib/ids";
import type { Address } from "../../services/user/user.schema";
import userService from "../../services/user/user.service";
import { startNode, type TestNode } from "./node";

const KIM = {
  recipient: "Kim Minji",
  phone: "+82 10-1234-5678",
  postalCode: "04524",
  line1: "Sejong-daero 110",
  country: "KR",
};

let node: TestNode;
let me: Meta;
let userId: string;

beforeAll(async () => {
  node = await startNode([userService]);
});
afterAll(() => node.stop());
beforeEach(async () => {
  userId = newId();
  await node.call("user.create", { id: userId, email: null, name: "Kim" });
  me = { user: { id: userId, roles: ["customer"], sid: "a-session" } };
});

const add = (address: object = KIM) => node.as<Address>(me, "user.addAddress", address);
const list = async () => (await node.as<{ items: Address[] }>(me, "user.addresses")).items;

test("addresses are added, changed and removed, with one default", async () => {
  const home = await add({ ...KIM, city: "Seoul" });
  const work = await add({ ...KIM, line2: "3F", isDefault: true });
  expect(home).toEqual({ id: home.id, ...KIM, city: "Seoul", isDefault: true });
  expect((await list()).map(({ id, isDefault }) => [id, isDefault])).toEqual([
    [home.id, false],
    [work.id, true],
  ]);
  const changed = await node.as(me, "user.changeAddress", { id: work.id, line2: null, country: "DE" });
  expect(changed).toEqual({ ...KIM, id: work.id, country: "DE", isDefault: true });
  await expect(node.as(me, "user.removeAddress", { id: work.id })).resolves.toBeNull();
  expect(await list()).toEqual([home]);
});

test("an order is given the address without what only the account needs", async () => {
  const { id } = await add();
  expect(await node.call("user.address", { userId, addressId: id })).toEqual(KIM);
  await expect(node.call("user.address", { userId, addressId: "none" })).rejects.toMatchObject({
    type: "ADDRESS_NOT_FOUND",
  });
});

test("nobody reaches the address of another", async () => {
  const { id } = await add();
  const stranger = newId();
  await node.call("user.create", { id: stranger, email: null, name: "Stranger" });
  me = { user: { id: stranger, roles: ["customer"], sid: "a-session" } };
  for (const action of ["user.changeAddress", "user.removeAddress"])
    await expect(node.as(me, action, { id })).rejects.toMatchObject({ code: 404, type: "ADDRESS_NOT_FOUND" });
});

test("however many are added at once, twenty fit and one is the default", async () => {
  for (let round = 0; round < 3; round++) {
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => add({ ...KIM, isDefault: true })));
    const refused = results.filter((result) => result.status === "rejected").map(({ reason }) => reason.type);
    expect(refused).toEqual(round < 2 ? [] : Array(4).fill("ADDRESS_LIMIT"));
  }
  const addresses = await list();
  expect(addresses).toHaveLength(20);
  expect(addresses.filter(({ isDefault }) => isDefault)).toHaveLength(1);
});

test.each([
  ["country", "XX"],
  ["country", "kr"],
  ["phone", "call me"],
  ["phone", "12345"],
  ["postalCode", "!"],
  ["recipient", " "],
  ["line1", "a\u0007b"],
  ["line2", "x".repeat(201)],
  ["planet", "Mars"],
])("an address with %s %j is refused", async (field, value) => {
  const invalid = { code: 422, type: "VALIDATION", data: { errors: [{ path: field }] } };
  await expect(add({ ...KIM, [field]: value })).rejects.toMatchObject(invalid);
  const { id } = await add();
  await expect(node.as(me, "user.changeAddress", { id, [field]: value })).rejects.toMatchObject(invalid);
});
