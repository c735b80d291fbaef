import authService from "../../services/auth/auth.service";
import userService from "../../services/user/user.service";
import { type Account, newEmail, PASSWORD, register } from "./auth.accounts";
import { startNode, type TestNode } from "./node";

let node: TestNode;

beforeAll(async () => {
  node = await startNode([authService, userService]);
});
afterAll(() => node.stop());

const login = (email: string, password = PASSWORD, clientIp = "192.0.2.1") =>
  node.as<Account>({ clientIp }, "auth.login", { email, password });
const refresh = (refreshToken: string) => node.as<Account>({}, "auth.refresh", { refreshToken });

test("who registers is signed in, and can sign in again", async () => {
  const email = newEmail();
  const registered = await register(node, { email: email.toUpperCase(), name: " Kim " });
  expect(registered).toMatchObject({ tokenType: "Bearer", expiresIn: 900 });
  expect(registered.user).toMatchObject({ email, name: "Kim", roles: ["customer"], status: "active" });
  const again = await login(email);
  expect(again.user).toEqual(registered.user);
  expect((await refresh(again.refreshToken)).user).toEqual(registered.user);
});
