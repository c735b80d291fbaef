import { sign } from "jsonwebtoken";
import { newId } from "../../lib/ids";
import type { AuthStore } from "../../services/auth/auth.store";
import { KeyRing, rotationRules } from "../../services/auth/tokens/key-ring";
import { pass } from "./auth.clock";
import { withAuthStore } from "./auth.parts";

const HOUR_MS = 3_600_000;
const rules = rotationRules({
  rotationDays: 30,
  accessSeconds: 900,
  issuer: "",
  audience: "",
  keySecret: "",
  refreshDays: 1,
});

/** A node's key ring on the same store as the others. */
const ringOn = ({ keys }: AuthStore, secret = "a secret") => new KeyRing(keys, secret, rules);
const kids = (ring: KeyRing) => ring.publicKeys().map(({ kid }) => kid);

test("nodes that start at once agree on the first key", () =>
  withAuthStore(async (store) => {
    const rings = Array.from({ length: 5 }, () => ringOn(store));
    await Promise.all(rings.map((ring) => ring.refresh()));
    const [first] = rings;
    expect(new Set(rings.map((ring) => ring.signingKey().kid)).size).toBe(1);
    expect(first?.publicKeys()).toHaveLength(1);
  }));

test("a new key is published an hour before it signs, the old one until its last token is dead", () =>
  withAuthStore(async (store) => {
    const ring = ringOn(store);
    await ring.refresh();
    const old = ring.signingKey().kid;
    pass(30 * 24 * HOUR_MS - HOUR_MS);
    await ring.refresh();
    const published = kids(ring);
    expect(published).toHaveLength(2);
    expect(ring.signingKey().kid).toBe(old);
    pass(HOUR_MS + 1000);
    const fresh = ring.signingKey().kid;
    expect(fresh).not.toBe(old);
    expect(published).toContain(fresh);
    await ring.refresh();
    expect(kids(ring)).toContain(old);
    pass(16 * 60_000);
    await ring.refresh();
    await ring.refresh();
    expect(kids(ring)).toEqual([fresh]);
  }));

test("private keys are not readable in the store, and a node with another secret signs with its own", () =>
  withAuthStore(async (store) => {
    const ring = ringOn(store);
    await ring.refresh();
    const stored = JSON.stringify(await store.keys.find({}));
    const pem = ring.signingKey().privateKey.export({ format: "jwk" });
    expect(stored).not.toContain(String(pem.d));
    const stranger = ringOn(store, "another secret");
    await stranger.refresh();
    await ring.refresh();
    expect(stranger.signingKey().kid).not.toBe(ring.signingKey().kid);
    expect(kids(ring)).toEqual(kids(stranger));
    expect(() => sign({ jti: newId() }, stranger.signingKey().privateKey, { algorithm: "ES256" })).not.toThrow();
  }));
