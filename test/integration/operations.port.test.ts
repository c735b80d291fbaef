import { once } from "node:events";
import { connect } from "node:net";
import { EnvironmentError, readEnvironment } from "../../lib/environment";
import { demandPorts } from "../../lib/hosting";
import { freePorts } from "../../lib/infra/ports";
import { run } from "../../lib/infra/programs";
import { nodeOf } from "../../lib/node";
import { eventually, startNode, type TestNode } from "./node";

let node: TestNode;
let url: string;
async function start(environment: Record<string, string> = {}): Promise<number> {
  const [port = 0] = await freePorts(1);
  node = await startNode([], { OPS_PORT: String(port), ...environment });
  url = `http://127.0.0.1:${port}`;
  return port;
}
afterEach(() => node.stop());

it("answers GET and HEAD alone", async () => {
  await start();
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
  const head = await fetch(`${url}/health/ready`, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "28", ""]);
  for (const path of ["/health/live", "/metrics", "/nothing"])
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const answer = await fetch(url + path, { method });
      expect([method, path, answer.status, answer.headers.get("allow")]).toEqual([method, path, 405, "GET, HEAD"]);
    }
});

/** Whether somebody listens there. */
async function listens(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

it("is bound to every address, or to the one of OPS_HOST", async () => {
  const port = await start();
  expect(await listens("127.0.0.2", port)).toBe(true);
  await node.stop();
  const other = await start({ OPS_HOST: "127.0.0.1" });
  expect([await listens("127.0.0.1", other), await listens("127.0.0.2", other)]).toEqual([true, false]);
  await node.stop();
  const own = { OPS_HOST: "127.0.0.2" };
  const ops = { ...own, OPS_PORT: String(await start(own)) };
  const { ok } = await run(process.execPath, ["deploy/health.js", "ready"], { env: { ...process.env, ...ops } });
  expect(ok).toBe(true);
});

it("refuses an address that this machine does not have, naming OPS_HOST", async () => {
  await start();
  const environment = readEnvironment({ OPS_HOST: "192.0.2.1", OPS_PORT: "0" });
  const refused = demandPorts([], environment);
  await expect(refused).rejects.toThrow(EnvironmentError);
  await expect(refused).rejects.toThrow("192.0.2.1 is no address of this machine: set OPS_HOST");
});

it("asks elsewhere once in a second however many scrape, and always tells what is in memory", async () => {
  await start();
  const { metrics } = nodeOf(node.broker);
  let asked = 0;
  const { promise: answer, resolve } = Promise.withResolvers<void>();
  metrics.mailsWaiting.measure({}, async () => {
    asked += 1;
    await answer;
    return asked;
  });
  let open = 0;
  metrics.streams.measure({}, () => open);
  const scrape = async () => (await fetch(`${url}/metrics`)).text();

  const scrapes = Array.from({ length: 20 }, scrape);
  await eventually(() => asked > 0);
  resolve();
  for (const text of await Promise.all(scrapes)) expect(text).toMatch(/^shop_mails_waiting 1$/m);
  open = 3;
  const next = await scrape();
  expect(next).toMatch(/^shop_mails_waiting 1$/m);
  expect(next).toMatch(/^shop_streams 3$/m);
  expect(asked).toBe(1);
  await eventually(async () => /^shop_mails_waiting 2$/m.test(await scrape()));
});
