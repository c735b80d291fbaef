import { documentTokens, queryTokens } from "../../lib/search";

const finds = (titles: string[], q: string, texts: string[] = []) => {
  const tokens = new Set(documentTokens(titles, texts));
  const asked = queryTokens(q);
  return asked.length > 0 && asked.every((token) => tokens.has(token));
};

describe("search", () => {
  const cases: [title: string, q: string, found: boolean][] = [
    ["무선 이어폰 프로", "이어폰", true],
    ["무선 이어폰 프로", "어폰", true],
    ["무선 이어폰 프로", "폰", true],
    ["무선 이어폰 프로", "프로 무선", true],
    ["무선 이어폰 프로", "무선이어폰", false],
    ["무선이어폰", "무선 이어폰", true],
    ["무선 이어폰 프로", "유선 이어폰", false],
    ["USB-C 고속 충전기 65W", "usb 충전기", true],
    ["USB-C 고속 충전기 65W", "65w", true],
    ["ＵＳＢ 허브", "usb", true],
    ["Wireless Game Controller", "wire con", true],
    ["Wireless Game Controller", "WIRELESS", true],
    ["Wireless Game Controller", "less", false],
    ["Wireless Game Controller", "wireless mouse", false],
    ["Crème brûlée", "crème", true],
    ["블루투스5.0 speaker", "블루투스 5", true],
    ["抹茶ケーキ", "抹茶", true],
    ["Anything", "   ", false],
    ["Anything", "!?", false],
  ];
  test.each(cases)("of %p by %p: %p", (title, q, found) => {
    expect(finds([title], q)).toBe(found);
  });

  test("finds decomposed Korean, as some systems type it", () => {
    expect(finds(["이어폰"], "이어폰".normalize("NFD"))).toBe(true);
  });

  test("finds whole words of a description, beginnings of words only in titles", () => {
    expect(finds(["x"], "warranty", ["one year warranty"])).toBe(true);
    expect(finds(["x"], "warr", ["one year warranty"])).toBe(false);
    expect(finds(["x"], "보증", ["1년 무상 보증이 함께"])).toBe(true);
  });

  test("a word longer than what is indexed is found by its beginning", () => {
    expect(finds(["Donaudampfschifffahrtsgesellschaft"], "donaudampfschifffahrtsgesellschaft")).toBe(true);
  });

  test("a long text makes a bounded number of tokens, a long query too", () => {
    const text = Array.from({ length: 5000 }, (_, i) => `w${i}`).join(" ");
    expect(documentTokens(["a"], [text]).length).toBeLessThanOrEqual(600);
    expect(queryTokens(text).length).toBeLessThanOrEqual(24);
  });
});
