import { request } from "undici";
import type { Collection } from "../../../lib/store/collection";
import { after, now } from "../../../lib/time";
import type { Background } from "../background";
import { type SandboxCharge, toPayment } from "./charge";

const MAX_TRIES = 7;
const TIMEOUT_MS = 10_000;
/** As with a real provider, the answer to the shop's own request is there first. */
const AFTER_THE_ANSWER_MS = 100;

export interface SandboxWebhookParts {
  charges: Collection<SandboxCharge>;
  url: string;
  background: Background;
}

/** Tells the shop of each change, at once and, where it does not answer 200, up to seven times with growing pauses. */
export class SandboxWebhooks {
  private stopped = false;

  constructor(private readonly parts: SandboxWebhookParts) {}

  /** Begins in the background; the charge's `due` is there for what does not work out. */
  start(charge: SandboxCharge): void {
    setTimeout(() => {
      if (!this.stopped) this.parts.background.start("a webhook", () => this.deliver(charge));
    }, AFTER_THE_ANSWER_MS).unref();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.parts.background.idle();
  }

  /** Sends the charge as it is. A change that came meanwhile has its own `due` and stays to be told. */
  async deliver(charge: SandboxCharge): Promise<void> {
    if (!charge.due) return;
    const { charges } = this.parts;
    const mine = { _id: charge._id, due: charge.due };
    if (await this.post(charge)) {
      await charges.update(mine, { $unset: { due: true, webhookTries: true } });
      return;
    }
    const tries = (charge.webhookTries ?? 0) + 1;
    const pause = 500 * 3 ** (tries - 1);
    const change =
      tries >= MAX_TRIES ? { $unset: { due: true as const } } : { $set: { due: after(pause), webhookTries: tries } };
    await charges.update(mine, change);
  }

  private async post(charge: SandboxCharge): Promise<boolean> {
    const event = { eventType: "PAYMENT_STATUS_CHANGED", createdAt: now(), data: toPayment(charge, now()) };
    try {
      const { statusCode, body } = await request(this.parts.url, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(event),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      // The body has to be read for the connection to be used again.
      await body.dump();
      return statusCode === 200;
    } catch {
      return false;
    }
  }
}
