import { randomUUID } from "node:crypto";
import type { ShopNode } from "../../lib/infra/nodes";
import { eventually } from "../integration/node";
import { newPlace, type Place, placeWithAccounts } from "./node";
import { type Answer, PASSWORD } from "./shop";

const NEW_PASSWORD = "another-horse-42";
const QUICK = { LEASE_MS: "400" };
const OF_REGISTRATION = ["auth.claimed", "auth.user-created"];
const points = [
  ...OF_REGISTRATION,
  "auth.password-changed",
  "auth.user-revoked",
  "user.follow-up",
  "user.credentials-erased",
];

let withAccounts: Place;
beforeAll(async () => {
  withAccounts = await placeWithAccounts();
}, 60_000);
afterAll(() => withAccounts.remove());

describe.each(points)("killed at %s", (point) => {
  let place: Place;
  let node: ShopNode;
  let crashes = 0;
  afterEach(async () => {
    await node.kill();
    place.remove();
  });

  /** What was asked of a shop that may die of it; started again where it did. Undefined then: nobody knows. */
  async function asked<T>(request: () => Promise<Answer<T>>): Promise<Answer<T> | undefined> {
    const answer = await request().catch(() => undefined);
    if (answer) return answer;
    await node.exited;
    crashes++;
    node = await place.start(QUICK);
    return undefined;
  }

  it("leaves an account that can be signed in to, changed and erased", async () => {
    // The demo accounts pass the steps of a registration, too; it is not theirs that the node is to die of.
    place = await newPlace(OF_REGISTRATION.includes(point) ? { from: withAccounts } : {});
    const { shop } = place;
    node = await place.start({ ...QUICK, CRASH_AT: point });
    const email = `${randomUUID()}@example.com`;
    const register = () => shop.call("POST", "/auth/register", { body: { email, password: PASSWORD, name: "Kim" } });

    await asked(register);
    const { accessToken: token, user } = await shop.login(email, PASSWORD);
    expect(user.email).toBe(email);

    const change = { token, body: { currentPassword: PASSWORD, newPassword: NEW_PASSWORD } };
    await asked(() => shop.call("POST", "/auth/password", change));
    const { accessToken: again } = await shop.login(email, NEW_PASSWORD);
    const old = await shop.call("POST", "/auth/login", { body: { email, password: PASSWORD } });
    expect([old.status, old.body.code]).toEqual([401, "BAD_CREDENTIALS"]);

    const { refreshToken } = await shop.login(email, NEW_PASSWORD);
    await asked(() => shop.call("DELETE", "/auth/sessions", { token: again }));
    const refresh = () => shop.call("POST", "/auth/refresh", { body: { refreshToken } });
    await eventually(async () => (await refresh()).status === 401);
    const { accessToken: last } = await shop.login(email, NEW_PASSWORD);

    await asked(() => shop.call("DELETE", "/users/me", { token: last }));
    const admin = (await shop.admin()).accessToken;
    await eventually(async () => (await shop.call("GET", `/users/${user.id}`, { token: admin })).status === 404);
    // The address is free again, for somebody else.
    const free = await eventually(async () => {
      const answer = await register();
      return answer.status === 201 && answer;
    });
    expect((free.body as { user?: { id: string } }).user?.id).not.toBe(user.id);
    expect(crashes).toBe(1);
  }, 60_000);
});
