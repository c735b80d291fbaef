import type { ProviderId } from "../../../lib/environment-providers";
import type { Document, OpenableCollection } from "../../../lib/store/collection";
import { after, now } from "../../../lib/time";
import { Mac } from "../derived-keys";
import { hashToken, randomToken } from "../tokens/one-time-tokens";
import { type Browser, COOKIE_S } from "./cookie";

/** What somebody went to a provider for. */
export interface Flow {
  provider: ProviderId;
  /** A path of our pages. */
  redirect: string;
  /** They are signed in and want to add the provider to their account. */
  link?: { userId: string; sid: string };
}

export interface FlowDocument extends Document, Flow {
  /** The hash of its cookie's secret. */
  browser: string;
  expiresAt: string;
}

/** What goes to the provider and comes back changed or not at all; made again from the state rather than stored. */
export interface Secrets {
  state: string;
  nonce: string;
  verifier: string;
}

/**
 * Sign-ins that are on their way to a provider and back. A state is good once, for ten minutes, in the browser that it was
 * made for; the store has its hash, which gives nothing away.
 */
export class Flows {
  private readonly derived: Mac;

  constructor(
    readonly collection: OpenableCollection<FlowDocument>,
    keySecret: string,
  ) {
    this.derived = new Mac(keySecret, "sign-in flows");
  }

  async begin(flow: Flow, browser: Browser): Promise<Secrets> {
    const state = randomToken();
    const expiresAt = after(COOKIE_S * 1000);
    await this.collection.insert({ _id: hashToken(state), ...flow, browser: browser.hash, expiresAt });
    return this.secrets(state, browser);
  }

  /** Ends a flow; null for a state that is unknown, used or expired, of another provider or another browser. */
  async end(
    provider: ProviderId,
    state: string,
    browser: Browser,
  ): Promise<{ flow: FlowDocument; secrets: Secrets } | null> {
    const own = { _id: hashToken(state), provider, browser: browser.hash };
    const flow = await this.collection.findOne({ ...own, expiresAt: { $gt: now() } });
    const ended = flow && (await this.collection.remove(own));
    return ended ? { flow, secrets: this.secrets(state, browser) } : null;
  }

  async clean(): Promise<void> {
    await this.collection.remove({ expiresAt: { $lt: now() } });
  }

  private secrets(state: string, { secret }: Browser): Secrets {
    const derived = (purpose: string) => this.derived.of(`${purpose}.${state}.${secret}`);
    return { state, nonce: derived("nonce"), verifier: derived("verifier") };
  }
}
