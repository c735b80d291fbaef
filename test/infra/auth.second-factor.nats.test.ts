import authService from "../../services/auth/auth.service";
import userService from "../../services/user/user.service";
import { Person, refusalOf } from "../integration/auth.second-factor.parts";
import { startNode } from "../integration/node";
import { withServers } from "./servers";

withServers(["nats", "mongo"], "a second factor over NATS", ({ NATS_URL = "", MONGO_URL = "", NAMESPACE = "" }) => {
  const environment = { NATS_URL, MONGO_URL, NAMESPACE };

  test("is asked for by another node's gateway: the token comes with the refusal", async () => {
    const [host, caller] = await Promise.all([
      startNode([authService, userService], environment),
      startNode([], environment),
    ]);
    await caller.broker.waitForServices("auth");
    const person = await Person.new(caller);
    const { app } = await person.enrol();
    const refusal = await refusalOf(person.login());
    expect(refusal).toMatchObject({ code: 401, type: "MFA_REQUIRED" });
    const { mfaToken = "" } = refusal.data.extra ?? {};
    await expect(person.show(mfaToken, app.at(1))).resolves.toMatchObject({ user: { id: person.account.user.id } });
    await Promise.all([host.stop(), caller.stop()]);
  });
});
