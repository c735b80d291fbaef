import { newId } from "../../../lib/ids";
import { currentTrace } from "../../../lib/request-scope";
import type { Collection, Document } from "../../../lib/store/collection";
import { now } from "../../../lib/time";
import { normaliseEmail } from "../credentials";
import type { Client } from "../neighbours";

/** Somebody forgot the password of the account with this address, if there is one: looked at when they are answered. */
export interface RecoveryDocument extends Document {
  email: string;
  at: string;
  acceptLanguage?: string;
  userAgent?: string;
  ip?: string;
  due: string;
  traceparent?: string;
}

/** Requests that wait: one is written in the same way whatever account there is, and gone once it is handed over. */
export class Recoveries {
  constructor(readonly collection: Collection<RecoveryDocument>) {}

  async add(email: string, { acceptLanguage, userAgent, clientIp: ip }: Client): Promise<void> {
    const at = now();
    const request = { _id: newId(), email: normaliseEmail(email), at, due: at, acceptLanguage, userAgent, ip };
    await this.collection.insert({ ...request, ...currentTrace() });
  }

  async done({ _id }: RecoveryDocument): Promise<void> {
    await this.collection.remove({ _id });
  }
}
