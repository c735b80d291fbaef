import { Secret, URI } from "otpauth";
import { seal, unseal } from "../../services/auth/sealing";
import { RecoveryCodes } from "../../services/auth/second-factor/recovery-codes";
import { mustEnrol } from "../../services/auth/second-factor/second-factor";
import { inBase32, matchingStep, newTotpSecret, otpauthUrl, totpCode } from "../../services/auth/second-factor/totp";

const RFC_SECRET = Buffer.from("12345678901234567890");
/** RFC 6238, appendix B; the last six of its eight digits. */
const VECTORS: [seconds: number, code: string][] = [
  [59, "287082"],
  [1111111109, "081804"],
  [1111111111, "050471"],
  [1234567890, "005924"],
  [2000000000, "279037"],
  [20000000000, "353130"],
];

describe("a code of an app", () => {
  test.each(VECTORS)("is at second %i the one of RFC 6238", (seconds, code) => {
    expect(totpCode(RFC_SECRET, seconds * 1000)).toBe(code);
    expect(matchingStep(RFC_SECRET, code, seconds * 1000)).toBe(Math.floor(seconds / 30));
  });

  test("is good in its own step, the one before and the one after, and tells its own", () => {
    const step = 50_000_000;
    const code = totpCode(RFC_SECRET, step * 30_000);
    const matched = [-30_001, -30_000, -1, 0, 29_999, 30_000, 59_999, 60_000].map((late) =>
      matchingStep(RFC_SECRET, code, step * 30_000 + late),
    );
    expect(matched).toEqual([null, step, step, step, step, step, step, null]);
  });

  test.each(["", "28708", "2870820", "28708a", "+28708", "287082\n", "٢٨٧٠٨٢"])("is not %j", (text) => {
    expect(matchingStep(RFC_SECRET, text, 59_000)).toBeNull();
  });

  test("comes of a secret of 160 bits, which an app reads with the shop and the account", () => {
    const secret = newTotpSecret();
    expect(secret).toHaveLength(20);
    expect(newTotpSecret()).not.toEqual(secret);
    const url = otpauthUrl(secret, { issuer: "shop.example", account: "kim+a:b@example.org" });
    expect(URI.parse(url)).toMatchObject({
      ...{ issuer: "shop.example", label: "kim+a:b@example.org", algorithm: "SHA1", digits: 6, period: 30 },
      secret: { base32: inBase32(secret) },
    });
    expect(Buffer.from(Secret.fromBase32(inBase32(secret)).bytes)).toEqual(secret);
  });
});

describe("recovery codes", () => {
  const codes = new RecoveryCodes("a secret of the cluster");

  test("are ten, in four groups of four, without letters that look like others", () => {
    const made = codes.make("u1").codes;
    expect(new Set(made).size).toBe(10);
    for (const code of made) expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
  });

  test("are known however they are typed", () => {
    const typed = [
      "0123-ABCD-1110-WXYZ",
      "o123abcd iLi0 wxyz",
      " 0123 abcd IlL0-WXYZ ",
      "０１２３ＡＢＣＤ１１１０ＷＸＹＺ",
    ];
    const [hash, ...others] = typed.map((code) => codes.hash("u1", code));
    expect(hash).toEqual(expect.any(String));
    expect(others).toEqual([hash, hash, hash]);
  });

  test("are stored so that they differ by account and cluster, and are none of themselves", () => {
    const { codes: made, hashes } = codes.make("u1");
    expect(made.map((code) => codes.hash("u1", code))).toEqual(hashes);
    const [code = ""] = made;
    expect(codes.hash("u2", code)).not.toBe(hashes[0]);
    expect(new RecoveryCodes("another secret").hash("u1", code)).not.toBe(hashes[0]);
  });

  test.each(["", "123456", "0123-ABCD-1110-WXY", "0123-ABCD-1110-WXYZ0", "0123-ABCD-1110-WXYU"])(
    "%j is none",
    (text) => {
      expect(codes.hash("u1", text)).toBeNull();
    },
  );
});

test("what is sealed opens with its key and for its owner alone", () => {
  const [key, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const sealed = seal(Buffer.from("plain"), key, "u1");
  expect(unseal(sealed, key, "u1")?.toString()).toBe("plain");
  expect([unseal(sealed, other, "u1"), unseal(sealed, key, "u2"), unseal(sealed, key)]).toEqual(
    Array(3).fill(undefined),
  );
  const [nonce = "", tag = ""] = sealed.split(".");
  expect(unseal(`${nonce}.${tag}.AAAA`, key, "u1")).toBeUndefined();
  expect(unseal("what was never sealed", key)).toBeUndefined();
});

describe("somebody must enrol", () => {
  const on = { id: "f1", secret: "", since: "", lastStep: 0, recovery: [] };
  test.each([
    ["whose role needs nothing", ["customer"], ["admin"], undefined, undefined, false],
    ["whose role needs it, without one", ["customer", "admin"], ["admin"], undefined, undefined, true],
    ["whose session has not shown it", ["admin"], ["admin"], on, undefined, true],
    ["whose session has shown it", ["admin"], ["admin"], on, "f1", false],
    ["whose session has shown one of before", ["admin"], ["admin"], on, "f0", true],
    ["who has taken it away", ["admin"], ["admin"], undefined, "f1", true],
  ] as const)("%s", (_, roles, required, has, shown, expected) => {
    expect(mustEnrol([...roles], [...required], has && { ...has, recovery: [] }, shown)).toBe(expected);
  });
});
