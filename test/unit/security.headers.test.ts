import { readEnvironment } from "../../lib/environment";
import { securityHeaders } from "../../services/api/middlewares";

function headersOf(webUrl: string): Map<string, string> {
  const headers = new Map<string, string>();
  const res = { setHeader: (name: string, value: string) => headers.set(name.toLowerCase(), value) };
  securityHeaders(readEnvironment({ WEB_URL: webUrl }))({} as never, res as never, () => undefined);
  return headers;
}

test("a browser that came over TLS comes back over TLS only, for a year, and to no host without", () => {
  const headers = headersOf("https://shop.example");
  expect(headers.get("strict-transport-security")).toBe("max-age=31536000; includeSubDomains");
  expect(headers.get("content-security-policy")).toContain("upgrade-insecure-requests");
});

test("no page of others frames ours, no address of ours is told to them, and nothing is kept", () => {
  for (const webUrl of ["https://shop.example", "http://localhost:3000"]) {
    const headers = headersOf(webUrl);
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toBe("no-store");
  }
});

test("a shop without TLS does not ask for what it cannot give", () => {
  expect(headersOf("http://localhost:3000").has("strict-transport-security")).toBe(false);
});
