import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { problemOf } from "../../lib/config/checking";
import { Ciphers, UnreadableCipher } from "../../lib/config/cipher";
import { type Declaration, declareConfig, key } from "../../lib/config/declaration";
import { NodeConfig } from "../../lib/config/node-config";
import { sharedConfig } from "../../lib/config/shared";
import { readEnvironment } from "../../lib/environment";
import { Type } from "../../lib/schema";
import { apiConfig } from "../../services/api/api.config";
import { authConfig } from "../../services/auth/auth.config";
import { chatConfig } from "../../services/chat/chat.config";
import { changesBetween, type Entry, unknownPaths, valueIn, withValues } from "../../services/config/config";
import { readFiles } from "../../services/config/config.files";
import { orderConfig } from "../../services/order/order.config";
import { paymentConfig } from "../../services/payment/payment.config";

const declarations: Declaration[] = [sharedConfig, apiConfig, authConfig, chatConfig, orderConfig, paymentConfig];
const ROOT = join(__dirname, "..", "..");

describe("declared keys", () => {
  const keys = declarations.flatMap((declaration) => Object.values(declaration.keys));

  it("are unique, and all of them are in this test", () => {
    expect(new Set(keys.map(({ name }) => name)).size).toBe(keys.length);
    const files = readdirSync(join(ROOT, "services"), { recursive: true, encoding: "utf8" });
    const found = files.filter((file) => file.endsWith(".config.ts"));
    expect(found).toHaveLength(declarations.length - 1);
  });

  it("are those of the environment", () => {
    const names = new Set(keys.map(({ name }) => name));
    const { settings } = readEnvironment({ ORDER_SHIPPING_FEE: "1", ORDER_PAYMENT_WINDOW: "1", CHAT_CAPACITY: "1" });
    for (const name of Object.keys(settings)) expect([...names]).toContain(name);
  });

  it.each([
    ["rateLimit.reads", 29],
    ["rateLimit.writes", 29],
    ["order.paymentWindow", 59],
    ["order.shippingFee", 1_000_001],
  ])("have bounds within which the shop goes on and who set them can set them back: %s is not %d", (name, value) => {
    expect(problemOf(keys.find((one) => one.name === name)?.schema ?? {}, value)).toMatch(/^must be/);
  });

  it("may be shorter by the environment than by the configuration, for tries", () => {
    const { settings } = readEnvironment({ ORDER_PAYMENT_WINDOW: "1" });
    const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const config = new NodeConfig({ environment: settings, ciphers: new Ciphers([]), logger });
    expect(config.of(orderConfig).paymentWindow).toBe(1);
    config.update({ version: 1, etag: "1", values: { order: { "order.paymentWindow": 59 } } });
    expect(config.deviations()).toMatchObject([{ key: "order.paymentWindow" }]);
    config.update({ version: 2, etag: "2", values: {} });
    expect([config.of(orderConfig).paymentWindow, config.deviations()]).toEqual([1, []]);
  });

  it.each([
    [Type.Integer({ maximum: 1 }), 2, "must be <= 1"],
    [Type.String(), 2, "must be string"],
  ])("have a default that fits", (schema, value, problem) => {
    expect(() =>
      declareConfig("x", { a: key("x.a", schema as never, { default: value as never, description: "" }) }),
    ).toThrow(problem);
  });

  it("of secrets have none", () => {
    const secret = { default: "open" as never, secret: true as const, description: "" };
    expect(() => declareConfig("x", { a: key("x.a", Type.String(), secret) })).toThrow("no default");
  });
});

it("each file in config/ sets keys that are declared, to values that fit", () => {
  const files = readFiles(join(ROOT, "config"));
  const keys = declarations.flatMap((declaration) => Object.values(declaration.keys));
  expect(files.map(({ name }) => name)).toContain("config/application.yml");
  for (const { tree, name: file } of files) {
    expect([file, unknownPaths(tree, new Set(keys.map(({ name }) => name)))]).toEqual([file, []]);
    for (const { name, schema } of keys) {
      const value = valueIn(tree, name.split("."));
      if (value !== undefined) expect([file, name, problemOf(schema, value)]).toEqual([file, name, undefined]);
    }
  }
});

describe("a file", () => {
  it.each([
    [{ a: { b: { c: 1 } } }, 1],
    [{ "a.b.c": 2 }, 2],
    [{ "a.b": { c: 3 } }, 3],
    [{ a: { "b.c": 4 } }, 4],
    [{ a: { b: 1 }, "a.b": { c: 5 } }, 5],
    [{ a: { b: { c: null } } }, undefined],
    [{ a: 1 }, undefined],
  ])("may nest keys or write them flat: %j", (tree, value) => expect(valueIn(tree, ["a", "b", "c"])).toBe(value));

  it.each([
    ["the syntax", "a.secret: TOKEN-1\nb: : c", "in line 2"],
    ["a key twice", "a.secret: TOKEN-1\na.secret: TOKEN-2\n", "DUPLICATE_KEY in line 2, column 1"],
    ["tabs", "a:\n\tsecret: TOKEN-1\n", "in line 2"],
    ["an alias", "a: *TOKEN-1", "alias"],
    ["the form", "- TOKEN-1", "is not a map"],
  ])("that cannot be read is named with the line and without what stands there: %s", (_, text, told) => {
    const folder = mkdtempSync(join(tmpdir(), "shop-config-"));
    const read = (content: string) => {
      writeFileSync(join(folder, "lamp.yml"), content);
      return readFiles(folder);
    };
    const warned = jest.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    try {
      expect(() => read(text)).toThrow(told);
      expect(() => read(text)).toThrow("config/lamp.yml");
      expect(() => read(text)).not.toThrow("TOKEN");
      expect(() => read("a: !odd TOKEN-1")).not.toThrow();
      expect(warned).not.toHaveBeenCalled();
    } finally {
      warned.mockRestore();
      rmSync(folder, { recursive: true });
    }
  });

  it("names what nobody declares, and not the parts of a value", () => {
    const tree = { chat: { hours: { zone: "UTC" }, colour: "red" }, "order.fee": 1 };
    expect(unknownPaths(tree, new Set(["chat.hours"]))).toEqual(["chat.colour", "order.fee"]);
  });
});

describe("what is set", () => {
  const place = { label: "main", application: "order", profile: "default" };
  const entry = (name: string, value: unknown, profile = "default"): Entry => ({ ...place, profile, key: name, value });

  it("is merged at its place, and taken away there only", () => {
    const before = [entry("a", 1), entry("b", 2), entry("a", 3, "sale")];
    const after = withValues(
      before,
      place,
      new Map<string, unknown>([
        ["a", undefined],
        ["b", 5],
        ["c", 6],
      ]),
    );
    expect(after).toEqual([entry("a", 3, "sale"), entry("b", 5), entry("c", 6)]);
    const shown = (name: string, value: unknown) => (name === "b" ? "shown" : value);
    expect(changesBetween(before, after, shown)).toEqual([
      { ...place, key: "a", from: 1, to: null },
      { ...place, key: "b", from: "shown", to: "shown" },
      { ...place, key: "c", from: null, to: 6 },
    ]);
    expect(changesBetween(after, [...after], shown)).toEqual([]);
  });
});

describe("ciphers", () => {
  const [one, two] = [
    { id: "one", key: randomBytes(32) },
    { id: "two", key: randomBytes(32) },
  ];

  it("open with the key that they name, and differ for the same text", () => {
    const old = new Ciphers([one]).encrypt("열려라 참깨") ?? "";
    const both = new Ciphers([two, one]);
    expect(old).toMatch(/^\{cipher\}one\.[A-Za-z0-9_-]+$/);
    expect([both.decrypt(old), both.isCurrent(old)]).toEqual(["열려라 참깨", false]);
    expect(both.isCurrent(both.encrypt("x") ?? "")).toBe(true);
    expect(both.encrypt("x")).not.toBe(both.encrypt("x"));
    expect(new Ciphers([]).encrypt("x")).toBeUndefined();
  });

  it("are unreadable where any bit was changed, or the key is another or gone", () => {
    const ciphers = new Ciphers([one]);
    const cipher = ciphers.encrypt("secret") ?? "";
    const [head = "", body = ""] = cipher.split(".");
    const bytes = Buffer.from(body, "base64url");
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed[i] = (changed[i] ?? 0) ^ 1;
      expect(() => ciphers.decrypt(`${head}.${changed.toString("base64url")}`)).toThrow(UnreadableCipher);
    }
    expect(() => new Ciphers([{ id: "one", key: two.key }]).decrypt(cipher)).toThrow(UnreadableCipher);
    expect(() => new Ciphers([two]).decrypt(cipher)).toThrow('no key "one"');
    for (const odd of ["{cipher}", "{cipher}one", "{cipher}one.", "{cipher}one.AA", "{cipher}one.!!"])
      expect(() => ciphers.decrypt(odd)).toThrow(UnreadableCipher);
  });

  it("have keys of 32 bytes, each once", () => {
    const key = one.key.toString("base64");
    expect(readEnvironment({ CONFIG_KEYS: `a:${key},b:${key}` }).config.keys.map(({ id }) => id)).toEqual(["a", "b"]);
    for (const wrong of ["a", `a:${key.slice(4)}`, `a:${key},a:${key}`, `a b:${key}`])
      expect(() => readEnvironment({ CONFIG_KEYS: wrong })).toThrow("CONFIG_KEYS");
    expect(readEnvironment({}).config.keys).toHaveLength(1);
  });
});
