import type { AuthStore } from "../../services/auth/auth.store";
import type { CredentialDocument } from "../../services/auth/credentials";
import { newMail } from "../../services/auth/mails";
import { totpCode } from "../../services/auth/second-factor/totp";
import { newEmail } from "./auth.accounts";
import { withAuthStore } from "./auth.parts";

/** Somebody who has a second factor, and their credential as it was before and as it is. */
async function enrolled({ credentials, secondFactors }: AuthStore) {
  const claimed = await credentials.claim({ email: newEmail(), hash: "a hash", name: "Kim" });
  const before = await credentials.activate(claimed);
  const secret = await secondFactors.setUp(before);
  if (!secret) throw new Error("nothing was set up");
  const own = async () => (await credentials.get(before._id)) as CredentialDocument;
  const pending = await own();
  const code = totpCode(secret, Date.now());
  const step = secondFactors.matching(pending, pending.secondFactor?.pending ?? { secret: "" }, code);
  const { codes } = (await secondFactors.enable(pending, step ?? 0, {})) ?? { codes: [] };
  return { before, own, code: codes[0] ?? "" };
}

const withPerson = (work: (store: AuthStore, person: Awaited<ReturnType<typeof enrolled>>) => Promise<void>) =>
  withAuthStore(async (store) => work(store, await enrolled(store)));

const newPassword = ({ credentials }: AuthStore, { _id, passwordId }: CredentialDocument) =>
  credentials.replacePassword(_id, { passwordId, hash: "another", mail: newMail("password.changed", {}) });

test("a code opens nothing to whoever began with a password that was replaced since, and stays good", () =>
  withPerson(async (store, { own, code }) => {
    const begun = await own();
    await newPassword(store, begun);
    expect(await store.secondFactors.take(begun, code, {})).toBeNull();
    expect(await store.secondFactors.take(await own(), code, {})).not.toBeNull();
  }));

test("a password that was replaced since takes no second factor away, nor makes recovery codes", () =>
  withPerson(async (store, { own }) => {
    const begun = await own();
    await newPassword(store, begun);
    expect(await store.secondFactors.disable(begun, {})).toBeNull();
    expect(await store.secondFactors.renewCodes(begun)).toBeNull();
    expect((await own()).secondFactor?.on).toEqual(begun.secondFactor?.on);
  }));

test("who was asked for no code, as none was needed, takes nothing away that came meanwhile", () =>
  withPerson(async (store, { before, own }) => {
    expect(await store.secondFactors.disable(before, {})).toBeNull();
    expect((await own()).secondFactor?.on).toBeDefined();
    expect(await store.secondFactors.disable({ _id: before._id }, {})).not.toBeNull();
  }));
