import { Passwords } from "../../services/auth/passwords";
import { requireStrong, weakness } from "../../services/auth/weak-passwords";

const about = { email: "Kim.Minji@example.org", name: "Kim Minji Park" };

test.each([
  ["kim.minji@example.org", "email"],
  ["KIM MINJI PARK", "name"],
  ["kimminjipark", "name"],
  ["zzzzzzzzzzzz", "repeats"],
  ["abababababab", "repeats"],
  ["\uff51werty12345", "common"],
])("%s is weak", (password, reason) => {
  expect(weakness(password, about)).toContain(reason);
});

test.each(["correct horse battery", "kim.minji is not it", "k9#vR2mQx!"])("%s is strong enough", (password) => {
  expect(weakness(password, about)).toBeUndefined();
});

test.each([
  ["\u{1F600}\u{1F601}\u{1F602}abcdefg", true],
  ["\u{1F600}\u{1F601}\u{1F602}abcdef", false],
  ["e\u0301e\u0301e\u0301e\u0301e\u0301abcd", false],
  ["\ufb03\ufb03\ufb03x", true],
  ["abc".repeat(43), false],
])("%s: the length counts characters after normalisation", (password, fits) => {
  const check = () => requireStrong(password, "password", about);
  if (fits) expect(check).not.toThrow();
  else expect(check).toThrow(expect.objectContaining({ code: 422, type: "VALIDATION" }));
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

test("a flood waits in line and beyond that is told to come back, and the line goes on", async () => {
  const passwords = new Passwords();
  const results = await Promise.allSettled(Array.from({ length: 210 }, () => passwords.verify(undefined, "x")));
  const refused = results.filter((result) => result.status === "rejected").map(({ reason }) => reason);
  expect(refused).toHaveLength(8);
  expect(refused[0]).toMatchObject({ code: 503, type: "BUSY" });
  await expect(passwords.verify(undefined, "x")).resolves.toBe(false);
});
