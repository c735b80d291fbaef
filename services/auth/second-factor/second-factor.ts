import type { Role } from "../../../lib/actions";
import { newId } from "../../../lib/ids";
import type { Change } from "../../../lib/store/collection";
import { now } from "../../../lib/time";
import type { CredentialDocument, Credentials } from "../credentials";
import { derivedKey } from "../derived-keys";
import { newMail } from "../mails";
import type { Client } from "../neighbours";
import { seal, unseal } from "../sealing";
import type { RecoveryCodes } from "./recovery-codes";
import { matchingStep, newTotpSecret } from "./totp";

/** What a credential holds beside its first factor. */
export interface SecondFactor {
  /** Set up, and no code of it was shown yet. */
  pending?: { id: string; secret: string };
  on?: {
    /** What sessions that have shown it are marked with. */
    id: string;
    /** Sealed, for its user. */
    secret: string;
    since: string;
    /** The step of the last code that was taken: neither it nor an older one is taken again. */
    lastStep: number;
    /** Hashes of the recovery codes that are left. */
    recovery: string[];
  };
}

/** Whether a user of these roles may do nothing but enrol, in a session that has shown the second factor `shown`. Pure. */
export const mustEnrol = (
  roles: Role[],
  required: Role[],
  on: SecondFactor["on"],
  shown: string | undefined,
): boolean => roles.some((role) => required.includes(role)) && (on === undefined || on.id !== shown);

/** Second factors: each change is one conditional write of the credential, and tells its owner by mail in the same. */
export class SecondFactors {
  private readonly key: Uint8Array;

  constructor(
    private readonly credentials: Credentials,
    private readonly recoveryCodes: RecoveryCodes,
    keySecret: string,
  ) {
    this.key = derivedKey(keySecret, "second factors");
  }

  /** A secret for an app, in the place of one that was not confirmed; null where a second factor is on. */
  async setUp({ _id, epoch }: CredentialDocument): Promise<Buffer | null> {
    const secret = newTotpSecret();
    const pending = { id: newId(), secret: seal(secret, this.key, _id) };
    const written = await this.credentials.collection.update(
      { _id, epoch, state: "active", "secondFactor.on": { $exists: false } },
      { $set: { "secondFactor.pending": pending } },
    );
    return written && secret;
  }

  /** The step of a code of the app that was set up; null where it is wrong. */
  matching({ _id }: CredentialDocument, { secret }: { secret: string }, code: string): number | null {
    const typed = code.normalize("NFKC").replaceAll(/\s/g, "");
    return matchingStep(this.open(_id, secret), typed, Date.now());
  }

  /** What was set up is on from now on, the code of `step` taken. Null where it is no longer what is set up. */
  async enable({ _id, epoch, secondFactor }: CredentialDocument, step: number, client: Client) {
    const { pending } = secondFactor ?? {};
    const { codes, hashes } = this.recoveryCodes.make(_id);
    const on = { ...pending, since: now(), lastStep: step, recovery: hashes };
    const enabled = await this.credentials.tell(
      { _id, epoch, "secondFactor.pending.id": pending?.id ?? "", "secondFactor.on": { $exists: false } },
      newMail("mfa.enabled", client),
      { $set: { secondFactor: { on } }, $inc: { epoch: 1 } },
    );
    return enabled && { enabled, codes };
  }

  /**
   * Takes a code of the app or a recovery code, once: of several who show the same at once, one is answered the
   * credential. Null for any other text, and once the credential has another epoch than the given one: a first factor
   * proven before opens nothing after. Of a recovery code that is gone the owner is told.
   */
  async take(credential: CredentialDocument, typed: string, client: Client): Promise<CredentialDocument | null> {
    const { _id, epoch, secondFactor } = credential;
    const { on } = secondFactor ?? {};
    if (!on) return null;
    const step = this.matching(credential, on, typed);
    const same = { _id, epoch, "secondFactor.on.id": on.id };
    if (step !== null)
      return this.credentials.collection.update(
        { ...same, "secondFactor.on.lastStep": { $lt: step } },
        { $set: { "secondFactor.on.lastStep": step } },
      );
    const hash = this.recoveryCodes.hash(_id, typed);
    if (hash === null || !on.recovery.includes(hash)) return null;
    const mail = newMail("mfa.recovery-code-used", client, { codesLeft: on.recovery.length - 1 });
    return this.credentials.tell({ ...same, "secondFactor.on.recovery": hash }, mail, {
      $pull: { "secondFactor.on.recovery": hash },
    });
  }

  /** Ten new recovery codes in the place of those there are; null where the credential has another epoch meanwhile. */
  async renewCodes({ _id, epoch, secondFactor }: CredentialDocument): Promise<string[] | null> {
    const { codes, hashes } = this.recoveryCodes.make(_id);
    const renewed = await this.credentials.collection.update(
      { _id, epoch, "secondFactor.on.id": secondFactor?.on?.id ?? "" },
      { $set: { "secondFactor.on.recovery": hashes } },
    );
    return renewed && codes;
  }

  /** Takes it away, `$set` being written with that. Null where none is on, or where an `epoch` is given and over. */
  disable(
    { _id, epoch }: Pick<CredentialDocument, "_id"> & Partial<Pick<CredentialDocument, "epoch">>,
    client: Client,
    { $set }: Pick<Change, "$set"> = {},
  ): Promise<CredentialDocument | null> {
    return this.credentials.tell(
      { _id, ...(epoch !== undefined && { epoch }), "secondFactor.on": { $exists: true } },
      newMail("mfa.disabled", client),
      { $set, $unset: { secondFactor: true }, $inc: { epoch: 1 } },
    );
  }

  private open(userId: string, sealed: string): Buffer {
    const secret = unseal(sealed, this.key, userId);
    if (!secret) throw new Error("a second factor was sealed with another JWT_KEY_SECRET: mfa remove takes it away");
    return secret;
  }
}
