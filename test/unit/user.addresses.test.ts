import { isCountry } from "../../lib/countries";
import { addAddress, changeAddress, MAX_ADDRESSES, removeAddress } from "../../services/user/addresses";
import type { Address } from "../../services/user/user.schema";

const fields = {
  recipient: "Kim",
  phone: "010-1234-5678",
  postalCode: "04524",
  line1: "Sejong-daero 110",
  country: "KR",
};
const address = (id: string, isDefault = false): Address => ({ id, ...fields, isDefault });
const defaults = (addresses: Address[]) => addresses.filter(({ isDefault }) => isDefault).map(({ id }) => id);

test("the first address is the default, whatever it asks for", () => {
  expect(defaults(addAddress([], { id: "a", ...fields, isDefault: false }))).toEqual(["a"]);
});

test.each([
  [true, "b"],
  [false, "a"],
  [undefined, "a"],
])("a further one with isDefault %s leaves %s as the default", (isDefault, id) => {
  expect(defaults(addAddress([address("a", true)], { id: "b", ...fields, isDefault }))).toEqual([id]);
});

test("there is room for twenty", () => {
  const full = Array.from({ length: MAX_ADDRESSES }, (_, index) => address(`${index}`, index === 0));
  expect(() => addAddress(full, { id: "x", ...fields })).toThrow(expect.objectContaining({ type: "ADDRESS_LIMIT" }));
});

test.each([
  ["b", { isDefault: true }, "b"],
  ["a", { isDefault: false }, "b"],
  ["b", { isDefault: false }, "a"],
  ["a", { line1: "elsewhere" }, "a"],
])("changing %s by %j makes %s the default", (id, change, expected) => {
  expect(defaults(changeAddress([address("a", true), address("b"), address("c")], id, change))).toEqual([expected]);
});

test("the only address stays the default", () => {
  expect(defaults(changeAddress([address("a", true)], "a", { isDefault: false }))).toEqual(["a"]);
});

test("a change keeps what it does not name and null removes", () => {
  const [changed] = changeAddress([{ ...address("a", true), line2: "3F", city: "Seoul" }], "a", {
    line2: null,
    city: "Jung-gu",
  });
  expect(changed).toEqual({ ...address("a", true), city: "Jung-gu" });
});

test.each([
  ["a", ["b"]],
  ["b", ["a"]],
])("without %s the default is %j", (id, expected) => {
  expect(defaults(removeAddress([address("a", true), address("b"), address("c")], id))).toEqual(expected);
});

test("the last one can go", () => {
  expect(removeAddress([address("a", true)], "a")).toEqual([]);
});

test("an unknown one is not found", () => {
  for (const edit of [() => removeAddress([], "x"), () => changeAddress([], "x", {})])
    expect(edit).toThrow(expect.objectContaining({ code: 404, type: "ADDRESS_NOT_FOUND" }));
});

test("countries are those of ISO 3166", () => {
  expect(["KR", "DE", "US", "GB"].every(isCountry)).toBe(true);
  expect(["XX", "UK", "EU", "kr", ""].some(isCountry)).toBe(false);
});
