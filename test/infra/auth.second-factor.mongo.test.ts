import authService from "../../services/auth/auth.service";
import userService from "../../services/user/user.service";
import { secondFactorContract } from "../integration/auth.second-factor.contract";
import { startNode } from "../integration/node";
import { withServers } from "./servers";

withServers(["mongo"], "a second factor in MongoDB, on two nodes", ({ MONGO_URL = "" }) => {
  const node = () => startNode([authService, userService], { MONGO_URL });
  secondFactorContract(async () => [await node(), await node()]);
});
