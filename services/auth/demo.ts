import type { Role } from "../../lib/actions";
import { now } from "../../lib/time";
import type { Credentials } from "./credentials";

/** Argon2id of `demo-password-1234`, which the documentation tells everybody. */
const DEMO_HASH = "$argon2id$v=19$m=19456,t=2,p=1$FDoka9htMuinQ64QFJTTpA$tRrHGzWlZVp8CO4uNvVzOrHAbPqo28WU8m3UYKjaLNU";
/** Nobody's registration takes these over. */
const NEVER_OLD = "9999-01-01T00:00:00.000Z";

const account = (number: number, role: Role, name: string) => ({
  _id: `00000000-0000-7000-8000-00000000000${number}`,
  email: `${role}@example.com`,
  claim: { id: "demo", at: NEVER_OLD, name, roles: [role] },
});
const ACCOUNTS = [
  account(1, "customer", "Demo Customer"),
  account(2, "agent", "Demo Agent"),
  account(3, "admin", "Demo Admin"),
];

/**
 * Makes the demo accounts where there is no other one, as registrations that the sweeper or a login completes. Started
 * on several nodes at once, or again after a crash, it makes the ones that are missing.
 */
export async function seedDemoAccounts({ collection }: Credentials): Promise<void> {
  if ((await collection.count({ _id: { $nin: ACCOUNTS.map(({ _id }) => _id) } })) > 0) return;
  await collection.insertMany(
    ACCOUNTS.map((demo) => ({
      ...demo,
      hash: DEMO_HASH,
      state: "pending" as const,
      epoch: 0,
      createdAt: now(),
      due: now(),
    })),
  );
}
