import { PROVIDER_IDS, type ProviderId } from "../../../lib/environment-providers";
import { newId } from "../../../lib/ids";
import { DuplicateKey, type Filter } from "../../../lib/store/collection";
import { after, now } from "../../../lib/time";
import { CLAIM_MS, type CredentialDocument, type Credentials, type PendingMail } from "../credentials";

/** An account elsewhere that proves who somebody is here. */
export interface Link {
  /** The provider's issuer and its id of the person, so that another issuer's ids never mean the same. */
  subject: string;
  linkedAt: string;
}

export type LinksByProvider = Partial<Record<ProviderId, Link>>;

export interface NewAccount {
  provider: ProviderId;
  subject: string;
  name: string;
  /** Verified by the provider, in lower case. */
  email?: string;
}

/** As their owner sees them, in a fixed order. */
export const linksOf = (links: LinksByProvider) =>
  PROVIDER_IDS.flatMap((provider) => {
    const link = links[provider];
    return link ? [{ provider, linkedAt: link.linkedAt }] : [];
  });

const unlessDuplicate = (error: unknown): null => {
  if (error instanceof DuplicateKey) return null;
  throw error;
};

const has = (provider: ProviderId): Filter => ({ [`links.${provider}`]: { $exists: true } });

/** The providers' accounts that credentials are linked with. A subject is in one credential at most: its index is unique. */
export class Links {
  constructor(
    private readonly credentials: Credentials,
    private readonly leaseMs: number,
  ) {}

  bySubject(provider: ProviderId, subject: string): Promise<CredentialDocument | null> {
    return this.credentials.collection.findOne({ [`links.${provider}.subject`]: subject });
  }

  /**
   * The credential of a subject that signs in for the first time: a new one, whose user the sweeper makes if this node
   * does not, or the one that another sign-in has just made. Null where the address is somebody's.
   */
  async claim(account: NewAccount): Promise<CredentialDocument | null> {
    const { provider, subject } = account;
    const made = await this.insert(account).catch(unlessDuplicate);
    if (made) return made;
    const find = () => this.bySubject(provider, subject);
    return (await find()) ?? (await this.takeOver(account).catch(unlessDuplicate)) ?? (await find());
  }

  /**
   * Throws {@link DuplicateKey} where the subject is another account's; null where this one has one of the provider, or is
   * no longer as it was read.
   */
  add(
    { _id, epoch }: CredentialDocument,
    provider: ProviderId,
    subject: string,
    mail: PendingMail,
  ): Promise<CredentialDocument | null> {
    const unlinked = { _id, epoch, state: "active", [`links.${provider}`]: { $exists: false } };
    return this.credentials.tell(unlinked, mail, { $set: { [`links.${provider}`]: { subject, linkedAt: now() } } });
  }

  /**
   * Null where there is no such link, or where neither a password nor one of the `usable` providers would be left to sign
   * in with. What a sign-in of the provider has got so far is void.
   */
  remove(
    userId: string,
    provider: ProviderId,
    usable: ProviderId[],
    mail: PendingMail,
  ): Promise<CredentialDocument | null> {
    const others = usable.filter((id) => id !== provider).map(has);
    const removable = { _id: userId, state: "active", ...has(provider), $or: [{ hash: { $exists: true } }, ...others] };
    return this.credentials.tell(removable, mail, { $unset: { [`links.${provider}`]: true }, $inc: { epoch: 1 } });
  }

  private insert({ email, ...account }: NewAccount): Promise<CredentialDocument> {
    const { claim, links, due } = this.claimed({ email, ...account });
    const created = { _id: newId(), state: "pending", epoch: 0, createdAt: claim.at } as const;
    return this.credentials.collection.insert({ ...created, email, claim, links, due });
  }

  /** Of a registration that nobody finished, whose password is not known to be that of who has the address. */
  private async takeOver(account: NewAccount): Promise<CredentialDocument | null> {
    if (account.email === undefined) return null;
    const unfinished = { email: account.email, state: "pending", "claim.at": { $lt: after(-CLAIM_MS) } };
    return this.credentials.collection.update(
      { ...unfinished, links: { $exists: false } },
      { $set: this.claimed(account), $unset: { hash: true }, $inc: { epoch: 1 } },
    );
  }

  private claimed({ provider, subject, name, email }: NewAccount) {
    const at = now();
    return {
      claim: { id: newId(), at, name, ...(email !== undefined && { emailVerified: true }) },
      links: { [provider]: { subject, linkedAt: at } },
      due: after(this.leaseMs),
    };
  }
}
