type Known = readonly [name: string, ...signs: RegExp[]];

/** Most name the browsers that they are made of, or want to be taken for, as well: the first that fits is the one. */
const BROWSERS: readonly Known[] = [
  ["KakaoTalk", /\bKAKAOTALK[ /]\d/],
  ["NAVER app", /\bNAVER\(inapp;/],
  ["Whale", /\bWhale\/\d/],
  ["Samsung Internet", /\bSamsungBrowser\/\d/],
  ["Edge", /\bEdg(?:e|A|iOS)?\/\d/],
  ["Opera", /\b(?:OPR|OPT|OPX|OPiOS|Opera)\/\d/],
  ["Firefox", /\b(?:Firefox|FxiOS)\/\d/],
  ["Chrome", /\b(?:Chrome|CriOS)\/\d/],
  ["Safari", /\bSafari\/\d/, /\bVersion\/\d/, /\((?:Macintosh|iPhone|iPad);/],
];

/** An iPhone is "like Mac OS X"; Android is a Linux. */
const SYSTEMS: readonly Known[] = [
  ["iPhone", /\(iPhone;/],
  ["iPad", /\(iPad;/],
  ["Android", /\bAndroid\b/],
  ["ChromeOS", /\bCrOS\b/],
  ["Windows", /\bWindows NT\b/],
  ["macOS", /\(Macintosh;/],
  ["Linux", /\bLinux\b/],
];

const nameIn = (known: readonly Known[], text: string) =>
  known.find(([, ...signs]) => signs.every((sign) => sign.test(text)))?.[0];

/**
 * Browser and system of a `User-Agent`, as far as we know them. Anybody can write anything there, for somebody else to
 * read: only names of ours come out.
 */
export function deviceOf(userAgent: string): string | undefined {
  const names = [nameIn(BROWSERS, userAgent), nameIn(SYSTEMS, userAgent)];
  return names.filter((name) => name !== undefined).join(", ") || undefined;
}
