import authService from "../../services/auth/auth.service";
import userService from "../../services/user/user.service";
import { secondFactorContract } from "./auth.second-factor.contract";
import { startNode } from "./node";

describe("a second factor in the embedded store", () => {
  secondFactorContract(async () => [await startNode([authService, userService])]);
});
