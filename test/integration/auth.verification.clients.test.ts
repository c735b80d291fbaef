import { type Account, metaOf, register } from "./auth.accounts";
import { RecoveryLab } from "./recovery.parts";

let lab: RecoveryLab;
beforeAll(async () => {
  lab = await RecoveryLab.start();
});
afterAll(() => lab.stop());

test("one client has twenty links an hour mailed, however many accounts it makes of one mailbox", async () => {
  const accounts: Account[] = [];
  for (let i = 0; i < 6; i++) accounts.push(await register(lab.node, { email: `somebody+${i}@example.org` }));
  const ask = (i: number, clientIp: string) => {
    const account = accounts[i];
    if (!account) throw new Error("no such account");
    return lab.node.as({ ...metaOf(account), clientIp }, "auth.requestVerification");
  };
  for (let asked = 0; asked < 20; asked++) await ask(asked % 5, "203.0.113.7");
  await expect(ask(5, "203.0.113.7")).rejects.toMatchObject({ code: 429, type: "TOO_MANY_ATTEMPTS" });
  await expect(ask(5, "203.0.113.8")).resolves.toBeNull();
});
