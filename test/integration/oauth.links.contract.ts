import { readEnvironment } from "../../lib/environment";
import { newId } from "../../lib/ids";
import { DuplicateKey, type Store } from "../../lib/store/collection";
import { type AuthStore, authStore } from "../../services/auth/auth.store";
import type { CredentialDocument } from "../../services/auth/credentials";
import { newMail } from "../../services/auth/mails";
import type { NewAccount } from "../../services/auth/oauth/links";
import { hashToken, randomToken } from "../../services/auth/tokens/one-time-tokens";
import { newEmail } from "./auth.accounts";

const mail = () => newMail("provider.linked", {});
const browser = () => {
  const secret = randomToken();
  return { secret, hash: hashToken(secret) };
};
const failed = (error: unknown) => (error instanceof DuplicateKey ? "duplicate" : Promise.reject(error));

/** What holds of links and flows when several want the same at once, on either store. */
export function linksContract(make: () => Store): void {
  let store: AuthStore;
  beforeAll(async () => {
    store = authStore(make(), readEnvironment({}));
    for (const collection of store.collections) await collection.open();
  });
  afterAll(async () => {
    for (const collection of store.collections) await collection.close();
  });

  const account = (more: Partial<NewAccount> = {}): NewAccount => ({
    provider: "oidc",
    subject: `https://login.example ${newId()}`,
    name: "Kim",
    ...more,
  });
  const registration = (email: string) => store.credentials.claim({ email, hash: "a hash", name: "Own" });

  async function linked(more: Partial<NewAccount> = {}): Promise<CredentialDocument> {
    const claimed = await store.links.claim(account(more));
    if (!claimed) throw new Error("not claimed");
    return store.credentials.activate(claimed);
  }

  test.each([
    ["with a verified address", () => ({ email: newEmail() })],
    ["without one", () => ({})],
  ])("first sign-ins at once make one credential, %s", async (_, more) => {
    const asked = account(more());
    const claims = await Promise.all(Array.from({ length: 8 }, () => store.links.claim(asked)));
    expect(new Set(claims.map((claimed) => claimed?._id)).size).toBe(1);
    const [first] = claims;
    expect(first).toMatchObject({ state: "pending", links: { oidc: { subject: asked.subject } } });
    expect(first?.due).toBeDefined();
    expect(await store.credentials.collection.count({ "links.oidc.subject": asked.subject })).toBe(1);
  });

  test("an address that somebody has is nobody else's, whoever vouches for it", async () => {
    const email = newEmail();
    await store.credentials.activate(await registration(email));
    const asked = account({ email });
    expect(await store.links.claim(asked)).toBeNull();
    expect(await store.links.bySubject("oidc", asked.subject)).toBeNull();
  });

  test("a registration that may still finish keeps its address", async () => {
    const email = newEmail();
    await registration(email);
    expect(await store.links.claim(account({ email }))).toBeNull();
  });

  test("a registration that nobody finished is taken over without its password, once", async () => {
    const email = newEmail();
    const abandoned = await registration(email);
    await store.credentials.release(abandoned);
    const asked = account({ email });
    const claims = await Promise.all(Array.from({ length: 4 }, () => store.links.claim(asked)));
    expect(claims.map((claimed) => claimed?._id)).toEqual(Array(4).fill(abandoned._id));
    const taken = await store.credentials.get(abandoned._id);
    expect(taken).not.toHaveProperty("hash");
    expect(taken).toMatchObject({ claim: { emailVerified: true }, links: { oidc: { subject: asked.subject } } });
    const active = await store.credentials.activate(taken as CredentialDocument);
    expect(active.state).toBe("active");
    // It was only slow: what is another's by now is not opened to it.
    await expect(store.credentials.activate(abandoned)).rejects.toMatchObject({ type: "EMAIL_TAKEN" });
  });

  test("a first sign-in that nobody finished is taken over by no registration and no other provider", async () => {
    const email = newEmail();
    const asked = account({ email });
    const claimed = await store.links.claim(asked);
    await store.credentials.release(claimed as CredentialDocument);
    await expect(registration(email)).rejects.toMatchObject({ type: "EMAIL_TAKEN" });
    expect(await store.links.claim(account({ email, provider: "google" }))).toBeNull();
    expect((await store.links.claim(asked))?._id).toBe(claimed?._id);
  });

  test("a subject is linked to one of several accounts that want it at once", async () => {
    const subject = `https://login.example ${newId()}`;
    const owners = await Promise.all(Array.from({ length: 4 }, () => linked({ provider: "kakao" })));
    const ends = await Promise.all(
      owners.map((owner) => store.links.add(owner, "google", subject, mail()).catch(failed)),
    );
    expect(ends.filter((end) => end === "duplicate")).toHaveLength(3);
    expect(await store.credentials.collection.count({ "links.google.subject": subject })).toBe(1);
  });

  test("an account has one link of a provider, also when two are added at once", async () => {
    const own = await linked();
    const add = (subject: string) => store.links.add(own, "naver", subject, mail());
    const ends = await Promise.all([add(newId()), add(newId())]);
    expect(ends.filter((end) => end === null)).toHaveLength(1);
  });

  test("of two links that are removed at once, without a password, one stays; the owner is told of the other", async () => {
    const own = await linked();
    const { _id, epoch } = own;
    await store.links.add(own, "kakao", newId(), mail());
    const remove = (provider: "oidc" | "kakao") => store.links.remove(_id, provider, ["oidc", "kakao"], mail());
    const ends = await Promise.all([remove("oidc"), remove("kakao")]);
    expect(ends.filter((end) => end === null)).toHaveLength(1);
    const left = await store.credentials.get(_id);
    expect(Object.keys(left?.links ?? {})).toHaveLength(1);
    expect(left).toMatchObject({ epoch: epoch + 1, mails: [{}, {}] });
  });

  test("what one cannot sign in with is nothing that is left", async () => {
    const own = await linked();
    const { _id } = own;
    await store.links.add(own, "kakao", newId(), mail());
    expect(await store.links.remove(_id, "oidc", ["oidc"], mail())).toBeNull();
    expect(await store.links.remove(_id, "kakao", ["oidc"], mail())).not.toBeNull();
    expect(await store.links.remove(_id, "naver", ["oidc", "naver"], mail())).toBeNull();
  });

  test("with a password the last link may go, and its subject is free", async () => {
    const email = newEmail();
    const own = await store.credentials.activate(await registration(email));
    const { _id } = own;
    const subject = newId();
    await store.links.add(own, "google", subject, mail());
    expect(await store.links.remove(_id, "google", ["google"], mail())).not.toBeNull();
    const other = await linked();
    expect(await store.links.add(other, "google", subject, mail())).not.toBeNull();
  });

  test("what ends sessions keeps out a link that was still being made", async () => {
    const own = await linked();
    await store.credentials.revoke(own._id, "revoked");
    expect(await store.links.add(own, "kakao", newId(), mail())).toBeNull();
  });

  test("an erased account leaves its subjects free and gets no others", async () => {
    const subject = `https://login.example ${newId()}`;
    const own = await linked({ subject });
    await store.credentials.erase(own._id);
    expect(await store.links.bySubject("oidc", subject)).toBeNull();
    expect(await store.links.add(own, "kakao", newId(), mail())).toBeNull();
    expect((await store.links.claim(account({ subject })))?._id).not.toBe(own._id);
  });

  test("a flow ends once, in its browser and at its provider; what others try does not end it", async () => {
    const own = browser();
    const { state, ...secrets } = await store.flows.begin({ provider: "oidc", redirect: "/" }, own);
    expect(await store.flows.end("oidc", state, browser())).toBeNull();
    expect(await store.flows.end("kakao", state, own)).toBeNull();
    expect(await store.flows.end("oidc", randomToken(), own)).toBeNull();
    const ends = await Promise.all(Array.from({ length: 4 }, () => store.flows.end("oidc", state, own)));
    const ended = ends.filter((end) => end !== null);
    expect(ended).toHaveLength(1);
    expect(ended[0]).toMatchObject({ flow: { redirect: "/" }, secrets: { state, ...secrets } });
  });

  test("what is stored of a flow gives nothing away", async () => {
    const own = browser();
    const secrets = await store.flows.begin({ provider: "oidc", redirect: "/" }, own);
    const stored = JSON.stringify(await store.flows.collection.find({}));
    for (const secret of [...Object.values(secrets), own.secret]) expect(stored).not.toContain(secret);
    expect(new Set(Object.values(secrets)).size).toBe(3);
  });
}
