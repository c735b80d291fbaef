import { crashPoint } from "../../../lib/crash";
import { hasType } from "../../../lib/errors";
import { DuplicateKey } from "../../../lib/store/collection";
import type { AuthStore } from "../auth.store";
import type { CredentialDocument } from "../credentials";
import type { FollowingUp } from "../follow-up";
import { newMail } from "../mails";
import type { Asking } from "../neighbours";
import { signedIn } from "../sessions/signed-in";
import type { SignIn } from "../sign-in";
import type { Identity } from "./authorization-code";
import type { FlowDocument } from "./flows";
import { fitName, provenEmail } from "./person";
import type { Provider } from "./providers/provider";
import type { Told } from "./redirect";

interface Parts {
  store: AuthStore;
  complete: SignIn["complete"];
  soon: FollowingUp["soon"];
  /** Whether accounts are made at the moment. */
  registering: () => boolean;
}

const refused = (error: string): Told => ({ error });

/** What follows for whom a provider knows: signing in, an account, or a link to the one they are signed in to. */
export function arriving({ store, complete, soon, registering }: Parts) {
  const { credentials, links, tokens } = store;

  /** The credential of a new subject, or why there is none. Never one of the same address: who has that is not proven by it. */
  async function enrol(provider: Provider, { subject, profile }: Identity): Promise<CredentialDocument | Told> {
    if (!registering()) return refused("REGISTRATION_CLOSED");
    const claimed = await links.claim({
      provider: provider.id,
      subject,
      name: fitName(profile.name),
      email: provenEmail(profile),
    });
    return claimed ?? refused("ACCOUNT_EXISTS");
  }

  /** A code that this browser exchanges for tokens. */
  async function enter(provider: Provider, identity: Identity, browser: string, asking: Asking): Promise<Told> {
    const known = await links.bySubject(provider.id, identity.subject);
    const found = known ?? (await enrol(provider, identity));
    if (!("state" in found)) return found;
    const { _id: userId, epoch } = await complete(found, asking);
    const { status } = await asking.call("user.find", { id: userId });
    if (status === "locked") return refused("ACCOUNT_LOCKED");
    return { code: await tokens.make("sign-in.provider", { userId, epoch, browser }) };
  }

  async function link(
    provider: Provider,
    { subject }: Identity,
    { userId, sid }: NonNullable<FlowDocument["link"]>,
    { meta }: Asking,
  ): Promise<Told> {
    const own = await signedIn(store, userId, sid);
    if (!own) return refused("BAD_STATE");
    try {
      const mail = newMail("provider.linked", meta, { provider: provider.name });
      const linked = await links.add(own, provider.id, subject, mail);
      crashPoint("auth.linked");
      if (linked) await soon(linked);
      const current = linked ?? (await credentials.get(userId));
      if (current?.links?.[provider.id]?.subject === subject) return { linked: provider.id };
      return refused(current?.links?.[provider.id] ? "ALREADY_LINKED" : "BAD_STATE");
    } catch (error) {
      if (error instanceof DuplicateKey) return refused("ALREADY_LINKED");
      throw error;
    }
  }

  return {
    async arrived(provider: Provider, identity: Identity, flow: FlowDocument, asking: Asking): Promise<Told> {
      try {
        if (flow.link) return await link(provider, identity, flow.link, asking);
        return await enter(provider, identity, flow.browser, asking);
      } catch (error) {
        // Another registration has the address, or the account was erased, while this went on.
        if (hasType(error, "EMAIL_TAKEN")) return refused("ACCOUNT_EXISTS");
        if (hasType(error, "USER_NOT_FOUND")) return refused("BAD_STATE");
        throw error;
      }
    },
  };
}

export type Arriving = ReturnType<typeof arriving>;
