import { typedAsLatin } from "../../services/auth/passwords/korean-passwords";
import { period, windows } from "../../services/auth/passwords/password-strength";
import { Passwords } from "../../services/auth/passwords/passwords";
import { requireStrong } from "../../services/auth/passwords/weak-passwords";

const about = { email: "Kim.Minji@example.org", name: "Kim Minji Park" };
const check = (password: string) => () => requireStrong(password, "password", about);
const refused = (message: unknown) =>
  expect.objectContaining({ code: 422, type: "WEAK_PASSWORD", data: { errors: [{ path: "password", message }] } });

describe("a password that is easy to guess is refused, and told why", () => {
  test.each([
    ["kim.minji@example.org", "personal"],
    ["KIM MINJI PARK", "personal"],
    ["kimminjipark", "personal"],
    ["minjikim2024", "personal"],
    ["shopping2024", "page related"],
    ["zzzzzzzzzzzz", "Repeated characters"],
    ["abababababab", "Repeated character patterns"],
    ["abcdefghijkl", "sequences"],
    ["qwertyuiop12", "commonly used"],
    ["\uff51werty12345", "commonly used"],
    ["supersecret123", "Add more words"],
    ["';lkjhgfdsa", "keys on your keyboard"],
  ])("%s", (password, reason) => {
    expect(check(password)).toThrow(refused(expect.stringContaining(reason)));
  });

  test.each([
    ["비밀번호123456"],
    ["사랑해사랑해1234"],
    ["안녕하세요반갑습니다"],
    ["qlalfqjsgh123"],
    ["tkfkdgo1004!"],
    ["dkssudgktpdy1"],
    ["rlaalstn1985"],
    ["saranghaeyo1"],
  ])("of Korean words, also as they come from another keyboard layout: %s", (password) => {
    expect(check(password)).toThrow(refused(expect.stringMatching(/used password|Repeated/)));
  });

  test.each([
    "iloveyou!!",
    "!!iloveyou!!",
    "Iloveyou2024",
    "iloveyou-2024!",
    "1l0v3y0u!!",
    "uoyevoli1234",
    "iloveyouiloveyou",
    "(iloveyou)99",
    "***iloveyou1",
    "ILOVEYOU#1999",
  ])("a breached one with whatever around it: %s", (password) => {
    expect(check(password)).toThrow(refused(expect.stringMatching(/\w/)));
  });

  test.each([
    ["a repeated word", "congratulations".repeat(4)],
    ["a long sequence", "abcdefghijklmnopqrstuvwxyz0123456789".repeat(2)],
    ["a keyboard back and forth", "qwertyuiopoiuytrewq".repeat(4)],
    ["one character", "a".repeat(128)],
    ["one's own address again and again", `${about.email}!`.repeat(5)],
  ])("a long one made of %s", (_, password) => {
    expect(check(password)).toThrow(refused(expect.stringMatching(/\w/)));
  });
});

describe("a password that is hard to guess is taken, whatever it is made of", () => {
  test.each([
    "demo-password-1234",
    "correct horse battery",
    "another password",
    "another-horse-42",
    "kim.minji is not it",
    "k9#vR2mQx!",
    "493027561846",
    "우리집강아지는복슬강아지",
    "\u{1F40E}\u{1F50B}\u{1F9F7}\u2705\u{1F30B}\u{1F9C9}\u{1FA81}\u{1F9ED}\u{1F6F6}\u{1F9F2}",
  ])("%s", (password) => {
    expect(check(password)).not.toThrow();
  });

  test("a long one for its beginning or for its end", () => {
    const strong = "x7Kp2mQ9vLw4";
    for (const password of [strong + "a".repeat(116), "a".repeat(116) + strong]) expect(check(password)).not.toThrow();
  });
});

describe("the length counts characters after normalisation", () => {
  const emoji = [...Array(128).keys()].map((n) => String.fromCodePoint(0x1f600 + ((n * 29) % 80))).join("");
  const hangul = [...Array(128).keys()].map((n) => String.fromCodePoint(0xac00 + ((n * 4789) % 11_172))).join("");
  test.each([
    ["10 with emoji", "\u{1F600}\u{1F603}\u{1F602}kq#Rz7m", true],
    ["9 with emoji", "\u{1F600}\u{1F601}\u{1F602}abcdef", false],
    ["9 of 14 code points", "e\u0301e\u0301e\u0301e\u0301e\u0301abcd", false],
    ["10 of 4 code points", "\ufb03\ufb03\ufb03x", true],
    ["128 of Hangul", hangul, true],
    ["128 of Hangul, decomposed", hangul.normalize("NFD"), true],
    ["129 of Hangul", `${hangul}가`, false],
    ["128 emoji", emoji, true],
    ["129 emoji", `${emoji}\u{1F600}`, false],
    ["129", "abc".repeat(43), false],
    ["1,024 that become 18,432", "\ufdfa".repeat(1024), false],
  ])("%s", (_, password, fits) => {
    const wrongLength = expect.objectContaining({ code: 422, type: "VALIDATION" });
    if (fits) expect(check(password)).not.toThrow(wrongLength);
    else expect(check(password)).toThrow(wrongLength);
  });
});

test("what is judged of a long password is bounded, without most repetitions and own words", () => {
  const own = ["somebody-with-a-very-long-address@mail.example.org"];
  expect(windows("short enough", own)).toEqual(["short enough"]);
  const parts = windows(`${"ab".repeat(20)}${"0123456789xyz".repeat(6)}`, own);
  expect(parts.map((part) => [...part].length)).toEqual([32, 32]);
  expect(windows("abc".repeat(40), own)).toEqual(["abcabc"]);
  expect(windows(`12${own[0]}34`, own)).toEqual(["12s34"]);
});

test.each([
  ["", 0],
  ["a", 1],
  ["aaaa", 1],
  ["abcabcab", 3],
  ["abcdab", 4],
  ["abcd", 4],
])("%p comes again after %d", (text, expected) => {
  expect(period([...text])).toBe(expected);
});

test("Hangul is known as it comes from a keyboard that is set to Latin letters", () => {
  expect(["비밀번호", "사랑해", "안녕하세요", "뷁 1"].map(typedAsLatin)).toEqual([
    "qlalfqjsgh",
    "tkfkdgo",
    "dkssudgktpdy",
    "qnpfr 1",
  ]);
});

test("a password has its own hash and no other, and nobody's hash fits none", async () => {
  const passwords = new Passwords();
  const hash = await passwords.hash("correct horse battery");
  expect(hash).not.toContain("correct");
  expect(await passwords.verify(hash, "correct horse battery")).toBe(true);
  expect(await passwords.verify(hash, "correct horse batteries")).toBe(false);
  expect(await passwords.verify(undefined, "correct horse battery")).toBe(false);
  expect(passwords.isOutdated(hash)).toBe(false);
});

test("spellings of what looks the same are the same password, and of 128 characters each counts", async () => {
  const passwords = new Passwords();
  const composed = "각시탈을 쓴 카페 주인 café".normalize("NFC");
  const decomposed = composed.normalize("NFD");
  expect(decomposed).not.toBe(composed);
  expect(await passwords.verify(await passwords.hash(composed), decomposed)).toBe(true);
  const long = "가나다라 \u{1F40E} battery ".repeat(8).slice(0, 127);
  const hash = await passwords.hash(`${long}x`);
  expect(await passwords.verify(hash, `${long}x`)).toBe(true);
  expect(await passwords.verify(hash, `${long}y`)).toBe(false);
  expect(await passwords.verify(hash, long)).toBe(false);
});

test("a flood waits in line and beyond that is told to come back, and the line goes on", async () => {
  const passwords = new Passwords();
  const results = await Promise.allSettled(Array.from({ length: 210 }, () => passwords.verify(undefined, "x")));
  const refused = results.filter((result) => result.status === "rejected").map(({ reason }) => reason);
  expect(refused).toHaveLength(8);
  expect(refused[0]).toMatchObject({ code: 503, type: "BUSY" });
  await expect(passwords.verify(undefined, "x")).resolves.toBe(false);
});
