import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { providerFetch } from "../../services/auth/oauth/questions";

const answers: Record<string, Buffer> = {
  "/short": gzipSync(JSON.stringify({ keys: [] })),
  // Some 60 kB over the wire.
  "/bomb": gzipSync(Buffer.alloc(64 * 1024 * 1024, " ")),
};
const server = createServer(({ url = "" }, response) => {
  response.writeHead(200, { "Content-Type": "application/json", "Content-Encoding": "gzip" }).end(answers[url]);
});
const { ask, close } = providerFetch();
let origin: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await close();
  server.closeAllConnections();
  server.close();
});

const asked = (path: string) =>
  ask(`${origin}${path}`, { method: "GET", headers: {}, body: null, redirect: "manual", signal: undefined });

test("an answer is read packed as it may be", async () => {
  const answer = await asked("/short");
  expect(answer.headers.get("content-type")).toBe("application/json");
  expect(await answer.json()).toEqual({ keys: [] });
});

test("of an answer that is short over the wire no more is unpacked than one may have", async () => {
  const answer = await asked("/bomb");
  const length = answer.text().then((text) => text.length);
  await expect(length).rejects.toThrow("an answer is too long");
});
