import { deviceOf } from "../../services/notification/device";

const WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
const MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)";
const IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
const IPAD = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
const GALAXY = "Mozilla/5.0 (Linux; Android 14; SM-S918N)";
const WEBVIEW = "Mozilla/5.0 (Linux; Android 14; SM-S918N Build/UP1A.231005.007; wv)";
const BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)";
const CHROME = `${BLINK} Chrome/126.0.0.0`;

test.each([
  ["Chrome, Windows", `${WINDOWS} ${CHROME} Safari/537.36`],
  ["Chrome, macOS", `${MAC} ${CHROME} Safari/537.36`],
  ["Chrome, Linux", `Mozilla/5.0 (X11; Linux x86_64) ${CHROME} Safari/537.36`],
  ["Chrome, ChromeOS", `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${CHROME} Safari/537.36`],
  ["Chrome, Android", `Mozilla/5.0 (Linux; Android 10; K) ${CHROME} Mobile Safari/537.36`],
  ["Chrome, iPhone", `${IPHONE} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1`],
  ["Chrome, iPad", `${IPAD} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1`],
  ["Safari, macOS", `${MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15`],
  ["Safari, iPhone", `${IPHONE} Version/17.5 Mobile/15E148 Safari/604.1`],
  ["Safari, iPad", `${IPAD} Version/17.5 Mobile/15E148 Safari/604.1`],
  ["Edge, Windows", `${WINDOWS} ${CHROME} Safari/537.36 Edg/126.0.2592.68`],
  ["Edge, Windows", `${WINDOWS} ${BLINK} Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763`],
  ["Edge, Android", `Mozilla/5.0 (Linux; Android 10; K) ${CHROME} Mobile Safari/537.36 EdgA/126.0.2592.56`],
  ["Edge, iPhone", `${IPHONE} Version/17.0 EdgiOS/126.0.2592.56 Mobile/15E148 Safari/604.1`],
  ["Firefox, Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0"],
  ["Firefox, Linux", "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"],
  ["Firefox, Android", "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0"],
  ["Firefox, iPhone", `${IPHONE} FxiOS/127.0 Mobile/15E148 Safari/605.1.15`],
  ["Opera, Windows", `${WINDOWS} ${CHROME} Safari/537.36 OPR/111.0.0.0`],
  ["Opera", "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10"],
  ["Whale, Windows", `${WINDOWS} ${CHROME} Whale/3.26.244.21 Safari/537.36`],
  ["Samsung Internet, Android", `${GALAXY} ${BLINK} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36`],
  ["KakaoTalk, Android", `${WEBVIEW} ${BLINK} Version/4.0 Chrome/126.0.6478.71 Mobile Safari/537.36 KAKAOTALK 10.8.3`],
  ["KakaoTalk, iPhone", `${IPHONE} Mobile/15E148 KAKAOTALK/10.8.5 (INAPP)`],
  [
    "NAVER app, Android",
    `${WEBVIEW} ${BLINK} Chrome/78.0.3904.108 Whale/1.0.0.0 Crosswalk/25.78.14.29 Mobile Safari/537.36 NAVER(inapp; search; 1010; 11.9.5)`,
  ],
  ["NAVER app, iPhone", `${IPHONE} Version/17.0 Mobile/15E148 Safari/604.1 NAVER(inapp; search; 2000; 12.6.1; 14PRO)`],
  ["iPhone", `${IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/468.0.0.32.108]`],
  [
    "Android",
    "Mozilla/5.0 (Linux; U; Android 4.0.3; ko-kr) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
  ],
])("%s is what %j is known as", (device, userAgent) => {
  expect(deviceOf(userAgent)).toBe(device);
});

test.each([
  "",
  "curl/8.5.0",
  "python-requests/2.32.3",
  "okhttp/4.12.0",
  "Mozilla/5.0",
  "Your account is BLOCKED call 010-1234-5678",
  "Chrome iPhone Windows Safari Edge",
  "NotChrome/1 xSafari/1",
  "\r\nBcc: someone@example.com\r\n<img src=x>",
  "constructor",
])("%j is no device that we know", (userAgent) => {
  expect(deviceOf(userAgent)).toBeUndefined();
});

test("nothing that stands beside what we know comes along", () => {
  const userAgent = `Your account is BLOCKED, call 010-1234-5678 (Windows NT 10.0; evil.example) Chrome/<b>1 Chrome/126`;
  expect(deviceOf(userAgent)).toBe("Chrome, Windows");
});
