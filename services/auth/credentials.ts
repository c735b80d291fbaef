import type { Role } from "../../lib/actions";
import { conflict } from "../../lib/errors";
import { newId } from "../../lib/ids";
import { type Change, type Collection, type Document, DuplicateKey, type Filter } from "../../lib/store/collection";
import { after, now } from "../../lib/time";
import type { AccountMail } from "../notification/notification.contract";
import type { EndReason } from "./auth.contract";
import type { LinksByProvider } from "./oauth/links";
import type { SecondFactor } from "./second-factor/second-factor";

/** How somebody proves to be the user of the same id. */
export interface CredentialDocument extends Document {
  /** Lower case; missing for the erased, so that the unique index leaves them out. */
  email?: string;
  hash?: string;
  /** `pending` until the user of this id exists. */
  state: "pending" | "active" | "erased";
  /** The registration that a pending address is held for. */
  claim?: { id: string; at: string; name: string; roles?: Role[]; emailVerified?: boolean };
  /** Another one with each new password; missing for the first one. */
  passwordId?: string;
  secondFactor?: SecondFactor;
  /** Accounts elsewhere that prove it as well as a password does. */
  links?: LinksByProvider;
  /** Counts what logins that still run must not outlive: a new password, another second factor, a lock, erasure. */
  epoch: number;
  /** Access tokens issued until then are refused. */
  revokedAt?: string;
  revokedFor?: EndReason;
  /** Sessions to end, those opened until then, where given except one; after a new password, unless it says why. */
  ending?: { keep?: string; until: string; reason?: EndReason };
  /** What the owner is told of and `notification` has not been asked to send yet. */
  mails?: PendingMail[];
  /** An address that is proven to be theirs, which `user` has not been told yet. */
  provenEmail?: string;
  createdAt: string;
  due?: string;
}

export type PendingMail = Omit<AccountMail, "userId">;

/** After this a registration that never finished belongs to a dead node, and its address to whoever comes next. */
export const CLAIM_MS = 30_000;
const POSTPONE_MS = 1000;
const LONG_AGO = "1970-01-01T00:00:00.000Z";

interface NewPassword {
  /** Of the password that it replaces. */
  passwordId: string | undefined;
  hash: string;
  /** The session that goes on. */
  keep?: string;
  mail: PendingMail;
  /** The account's address, where whoever reads its mail chose the password. */
  proves?: string;
  /**
   * Every other way in goes with it, and a second factor that is not on yet: they may be those of somebody who never had
   * the address. One that is on stays: it lets nobody in, and a mailbox is not to open what it closes.
   */
  alone?: boolean;
}

export const normaliseEmail = (email: string): string => email.trim().toLowerCase();

const emailTaken = () => conflict("EMAIL_TAKEN", "There is an account with this email address.");

export class Credentials {
  constructor(
    readonly collection: Collection<CredentialDocument>,
    private readonly leaseMs: number,
  ) {}

  get = (userId: string): Promise<CredentialDocument | null> => this.collection.get(userId);

  byEmail = (email: string): Promise<CredentialDocument | null> =>
    this.collection.findOne({ email: normaliseEmail(email) });

  /**
   * Takes an address for a registration. One that was left unfinished is taken over under its old id, since its user
   * may exist already; not one with a provider, which has seen whose the address is. Throws 409 EMAIL_TAKEN.
   */
  async claim({ email, hash, name }: { email: string; hash: string; name: string }): Promise<CredentialDocument> {
    const claim = { id: newId(), at: now(), name };
    const address = normaliseEmail(email);
    try {
      const created = { _id: newId(), state: "pending", epoch: 0, createdAt: claim.at } as const;
      return await this.collection.insert({ ...created, email: address, hash, claim });
    } catch (error) {
      if (!(error instanceof DuplicateKey)) throw error;
    }
    const taken = await this.collection.update(
      { email: address, state: "pending", "claim.at": { $lt: after(-CLAIM_MS) }, links: { $exists: false } },
      { $set: { hash, claim }, $inc: { epoch: 1 } },
    );
    if (!taken) throw emailTaken();
    return taken;
  }

  /** The user exists: the address is theirs. Throws 409 EMAIL_TAKEN where another registration took over meanwhile. */
  async activate({ _id, claim, epoch }: CredentialDocument): Promise<CredentialDocument> {
    const change = { $set: { state: "active" }, $unset: { claim: true, due: true } } as const;
    const activated = claim && (await this.collection.update({ _id, state: "pending", "claim.id": claim.id }, change));
    const current = activated || (await this.collection.findOne({ _id, state: "active", epoch }));
    if (!current) throw emailTaken();
    return current;
  }

  /** A demo account whose user cannot be made yet, as when nodes start in any order. */
  async postpone({ _id }: CredentialDocument): Promise<void> {
    await this.collection.update({ _id, state: "pending" }, { $set: { due: after(POSTPONE_MS) } });
  }

  /** This registration failed: whoever comes next need not wait until the claim is old. */
  async release({ _id, claim }: CredentialDocument): Promise<void> {
    if (!claim) return;
    await this.collection.update({ _id, state: "pending", "claim.id": claim.id }, { $set: { "claim.at": LONG_AGO } });
  }

  /** The same password under the parameters of today; nothing where it has changed meanwhile. */
  async rehash({ _id, hash }: CredentialDocument, better: string): Promise<void> {
    if (hash) await this.collection.update({ _id, hash }, { $set: { hash: better } });
  }

  /**
   * Another password, after which sessions are still to be ended and the owner told: this node has a lease on that. Null
   * where it is no longer the password of `passwordId` that is replaced.
   */
  replacePassword(
    userId: string,
    { passwordId, hash, keep, mail, proves, alone }: NewPassword,
  ): Promise<CredentialDocument | null> {
    const replaced = { _id: userId, state: "active", passwordId: passwordId ?? { $exists: false } };
    return this.tell({ ...replaced, ...(proves !== undefined && { email: proves }) }, mail, {
      $set: { hash, passwordId: newId(), ending: { keep, until: now() }, provenEmail: proves },
      $inc: { epoch: 1 },
      ...(alone && { $unset: { links: true, "secondFactor.pending": true } }),
    });
  }

  async othersEnded({ _id, ending }: CredentialDocument): Promise<void> {
    if (ending) await this.collection.update({ _id, "ending.until": ending.until }, { $unset: { ending: true } });
  }

  /** A change that the owner is told of: what is to be sent is written with it, and this node has a lease to send it. */
  tell(filter: Filter, mail: PendingMail, { $set, $push, ...change }: Change): Promise<CredentialDocument | null> {
    const told = { $set: { ...$set, due: after(this.leaseMs) }, $push: { ...$push, mails: mail } };
    return this.collection.update(filter, { ...change, ...told });
  }

  async handedOver(userId: string, mailId: string): Promise<void> {
    await this.collection.update({ _id: userId, "mails.id": mailId }, { $pull: { mails: { id: mailId } } });
  }

  async emailProven({ _id, provenEmail }: CredentialDocument): Promise<void> {
    if (provenEmail) await this.collection.update({ _id, provenEmail }, { $unset: { provenEmail: true } });
  }

  /** Nothing is left to be done, unless more came meanwhile. */
  async followed({ _id }: CredentialDocument): Promise<void> {
    const nothingLeft = {
      ending: { $exists: false },
      provenEmail: { $exists: false },
      "mails.0": { $exists: false },
    };
    await this.collection.update({ _id, state: { $ne: "pending" }, ...nothingLeft }, { $unset: { due: true } });
  }

  /** Refuses the access tokens there are, which have to be renewed. Answers null without a credential. */
  renew(userId: string): Promise<CredentialDocument | null> {
    return this.collection.update({ _id: userId }, { $max: { revokedAt: now() }, $unset: { revokedFor: true } });
  }

  /**
   * Refuses the access tokens there are, and logins that still run; all sessions are still to be ended: this node has a
   * lease on that. Answers null without a credential.
   */
  revoke(userId: string, reason: EndReason): Promise<CredentialDocument | null> {
    const at = now();
    return this.collection.update(
      { _id: userId },
      {
        $max: { revokedAt: at },
        $inc: { epoch: 1 },
        $set: { revokedFor: reason, ending: { until: at, reason }, due: after(this.leaseMs, at) },
      },
    );
  }

  /** Only the id stays, so that nothing which still runs brings the account back. */
  erase(userId: string): Promise<CredentialDocument | null> {
    return this.collection.update(
      { _id: userId },
      {
        $set: { state: "erased", revokedFor: "erased" },
        $max: { revokedAt: now() },
        $inc: { epoch: 1 },
        $unset: {
          email: true,
          hash: true,
          passwordId: true,
          claim: true,
          secondFactor: true,
          links: true,
          ending: true,
          mails: true,
          provenEmail: true,
          due: true,
        },
      },
    );
  }

  revokedSince(since: string): Promise<CredentialDocument[]> {
    return this.collection.find({ revokedAt: { $gte: since } }, { fields: ["revokedAt", "revokedFor"] });
  }
}
