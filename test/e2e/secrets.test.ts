import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { newPlace } from "./node";
import { CARD, expectStatus, PASSWORD } from "./shop";

it("writes no password, token, card number or key to a log or to its files, even at the lowest level", async () => {
  const place = await newPlace();
  const node = await place.start({
    LOG_LEVEL: "trace",
    LOG_FORMAT: "json",
    JWT_KEY_SECRET: "jwt-key-secret-of-this-test-0123456789",
    SANDBOX_SECRET_KEY: "sandbox-secret-of-this-test",
  });
  const { shop } = place;
  const { accessToken: token, refreshToken, user } = await shop.register();
  const [product] = await shop.products("?limit=1");
  const sku = product?.variants[0]?.sku ?? "";
  const order = expectStatus(await shop.place(token, [{ sku, quantity: 1 }]), 201);
  expectStatus(await shop.confirm(token, order, await shop.checkout(order)), 200);
  await shop.call("POST", "/auth/login", { body: { email: user.email, password: `wrong-${PASSWORD}` } });
  await shop.call("POST", "/auth/refresh", { body: { refreshToken } });
  await shop.call("POST", "/auth/refresh", { body: { refreshToken: `${refreshToken}x` } });
  await shop.call("GET", "/users/me", { token: `${token}x` });
  await node.stop();

  const log = node.output();
  expect(log).toContain('"path":"/api/v1/auth/login"');
  const files = readdirSync(place.dataDir, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".db"),
  );
  expect(files.length).toBeGreaterThan(8);
  const data = files.map((file) => readFileSync(join(place.dataDir, file), "utf8")).join("\n");
  const secrets = { PASSWORD, token, refreshToken, card: CARD.good, key: "jwt-key-secret-of-this-test" };
  for (const [name, secret] of Object.entries({ ...secrets, provider: "sandbox-secret-of-this-test" })) {
    expect(`log: ${log.includes(secret) ? name : "clean"}`).toBe("log: clean");
    expect(`data: ${data.includes(secret) ? name : "clean"}`).toBe("data: clean");
  }
  expect(data).not.toMatch(/BEGIN [A-Z ]*PRIVATE KEY/);
  place.remove();
}, 60_000);
