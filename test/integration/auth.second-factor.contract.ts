import { outcomes } from "./auth.accounts";
import { pass } from "./auth.clock";
import { appFor, Person, STEP_MS, wrong } from "./auth.second-factor.parts";
import type { TestNode } from "./node";

const WINDOW_MS = 15 * 60_000;

/** What holds of codes that are shown at once and of many that are tried, on either store; `nodes` share theirs. */
export function secondFactorContract(start: () => Promise<TestNode[]>): void {
  let nodes: TestNode[];
  let one: TestNode;
  let other: TestNode;
  beforeAll(async () => {
    nodes = await start();
    one = nodes[0] as TestNode;
    other = nodes.at(-1) as TestNode;
  });
  afterAll(() => Promise.all(nodes.map((node) => node.stop())));

  test("of sign-ins with the same code at once one gets in, on whichever node", async () => {
    const person = await Person.new(one);
    const { app } = await person.enrol();
    pass(STEP_MS);
    const tokens = await Promise.all(Array.from({ length: 4 }, () => person.begin()));
    const code = app.now();
    expect(await outcomes(tokens.map((token, i) => person.show(token, code, i % 2 ? one : other)))).toEqual({
      ok: 1,
      BAD_CODE: 3,
    });
  });

  test("of sign-ins with the same recovery code at once one gets in", async () => {
    const person = await Person.new(one);
    const { recoveryCodes } = await person.enrol();
    const tokens = await Promise.all(Array.from({ length: 4 }, () => person.begin()));
    const [code = "", another = ""] = recoveryCodes;
    expect(await outcomes(tokens.map((token, i) => person.show(token, code, i % 2 ? one : other)))).toEqual({
      ok: 1,
      BAD_CODE: 3,
    });
    expect((await person.show(await person.begin(), another)).recoveryCodesLeft).toBe(8);
  });

  test("a token of the first half gets one in, though several show good codes with it at once", async () => {
    const person = await Person.new(one);
    const { recoveryCodes } = await person.enrol();
    const token = await person.begin();
    const attempts = recoveryCodes.slice(0, 3).map((code, i) => person.show(token, code, i % 2 ? one : other));
    expect(await outcomes(attempts)).toEqual({ ok: 1, BAD_TOKEN: 2 });
    await expect(person.show(token, recoveryCodes[4] ?? "")).rejects.toMatchObject({ code: 401, type: "BAD_TOKEN" });
  });

  test("a code that is confirmed twice at once makes one second factor", async () => {
    const person = await Person.new(one);
    const { secret } = await person.asked<{ secret: string }>("setUpTotp");
    const confirm = (node: TestNode) => person.asked("confirmTotp", { code: appFor(secret).now() }, node);
    const counts = await outcomes([confirm(one), confirm(other), confirm(one)]);
    expect(counts.ok).toBe(1);
    // Whoever lost saw it set up, or on already.
    expect((counts.MFA_NOT_STARTED ?? 0) + (counts.MFA_ALREADY_ENABLED ?? 0)).toBe(2);
  });

  test("a secret that was answered is the one that counts, also where another one is confirmed at once", async () => {
    const person = await Person.new(one);
    const { secret } = await person.asked<{ secret: string }>("setUpTotp");
    const confirm = person.asked("confirmTotp", { code: appFor(secret).now() });
    const { ok } = await outcomes([confirm, person.asked("setUpTotp", {}, other)]);
    expect(ok).toBe(1);
  });

  test("twenty wrong codes close the second factor for a quarter of an hour; sessions go on", async () => {
    const person = await Person.new(one);
    const { app, recoveryCodes } = await person.enrol();
    const away = new Person(other, person.account);
    away.clientIp = "198.51.100.7";
    const tokens = [await person.begin(), await away.begin()];
    const attempts = Array.from({ length: 20 }, (_, i) =>
      (i % 2 ? person : away).show(tokens[i % 2 ? 0 : 1] ?? "", wrong(app)),
    );
    expect(await outcomes(attempts)).toEqual({ BAD_CODE: 10, TOO_MANY_ATTEMPTS: 10 });

    pass(STEP_MS);
    const refused = { code: 429, type: "TOO_MANY_ATTEMPTS", data: { retryAfter: expect.any(Number) } };
    await expect(away.show(tokens[1] ?? "", app.now())).rejects.toMatchObject(refused);
    await expect(person.show(tokens[0] ?? "", recoveryCodes[0] ?? "")).rejects.toMatchObject(refused);
    await expect(person.asked("renewRecoveryCodes", { code: app.now() })).rejects.toMatchObject(refused);
    // The password is still looked at, and what was signed in before goes on.
    expect(await person.begin()).toMatch(/^[\w-]{43}$/);
    person.account = await person.refresh();
    await expect(person.asked("sessions")).resolves.toMatchObject({ items: [{ current: true }] });

    pass(WINDOW_MS);
    await expect(person.show(await person.begin(), app.now())).resolves.toMatchObject({ recoveryCodesLeft: 10 });
  });

  test("a right code leaves nothing that counts", async () => {
    const person = await Person.new(one);
    const { app } = await person.enrol();
    for (let round = 0; round < 12; round++) {
      pass(STEP_MS);
      const token = await person.begin();
      await expect(person.show(token, app.now(), round % 2 ? one : other)).resolves.toBeDefined();
    }
    const { items } = await person.asked<{ items: object[] }>("sessions");
    expect(items).toHaveLength(13);
  });
}
