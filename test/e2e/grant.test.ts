import type { ShopNode } from "../../lib/infra/nodes";
import { launch } from "../../lib/infra/processes";
import { commandOf } from "../compiled";
import { newPlace, type Place } from "./node";
import { PASSWORD } from "./shop";

let place: Place;
let node: ShopNode | undefined;
beforeAll(async () => {
  place = await newPlace();
});
afterAll(async () => {
  await node?.kill();
  place.remove();
});

async function grant(...words: string[]) {
  const { command, args } = commandOf("bin/grant");
  const servers = { NATS_URL: undefined, MONGO_URL: undefined, REDIS_URL: undefined, KAFKA_BROKERS: undefined };
  const env = { ...servers, DATA_DIR: place.dataDir, NODE_ENV: "test", PORT: String(place.ports.http) };
  const run = launch({ name: "grant", command, args: [...args, ...words], env });
  const { code } = await run.exited;
  return { code, output: run.output() };
}

it("makes the first admin, whose tokens from before end", async () => {
  node = await place.start({ DEMO_DATA: "off", LEASE_MS: "300" });
  const { shop } = place;
  const { user, accessToken: old } = await shop.register();

  const running = await grant(user.email, "admin");
  expect(running.code).toBe(1);
  expect(running.output).toMatch(new RegExp(`process ${node.pid}\\b.*stop it`));

  await node.stop();
  // Only the first of these looks for the account: the others may run beside it.
  const [unknown, noRole, nothing] = await Promise.all([
    grant("nobody@example.com", "admin"),
    grant(user.email, "king"),
    grant(user.email),
  ]);
  expect(unknown).toEqual({ code: 1, output: "There is no account with the address nobody@example.com." });
  expect(noRole).toMatchObject({ code: 1, output: expect.stringContaining("no role king") });
  expect(nothing).toMatchObject({ code: 1, output: expect.stringContaining("npm run grant") });
  expect(await grant(user.email.toUpperCase(), "customer", "admin")).toMatchObject({
    code: 0,
    output: expect.stringContaining("customer, admin (before: customer)"),
  });

  node = await place.start({ DEMO_DATA: "off", LEASE_MS: "300" });
  const { accessToken: token, user: admin } = await shop.login(user.email, PASSWORD);
  expect(admin.roles).toEqual(["customer", "admin"]);
  expect((await shop.call("GET", "/users/me", { token: old })).status).toBe(401);
  expect((await shop.call("GET", "/users", { token })).status).toBe(200);
}, 90_000);
