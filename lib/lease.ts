import { newId } from "./ids";
import type { Collection, Document } from "./store/collection";
import { after, now } from "./time";

export interface LeaseRecord extends Document {
  owner: string;
  /** RFC 3339. */
  until: string;
}

/** Leases of a clock that is ahead by so many times a lease's length are not believed. */
const CLOCKS_APART = 5;

/**
 * The right to do something alone among all nodes, for `ms` milliseconds at a time. Whoever is frozen past its end may
 * still believe in it for a moment: what is done under a lease must bear being done twice.
 */
export class Lease {
  private readonly owner = newId();
  private heldUntil = 0;
  private elsewhereUntil = 0;

  constructor(
    private readonly leases: Collection<LeaseRecord>,
    private readonly name: string,
    private readonly ms: number,
  ) {}

  /** Before the first {@link hold}. */
  async prepare(): Promise<void> {
    await this.leases.insertMany([{ _id: this.name, owner: "", until: now() }]);
  }

  /** True when it is ours; renewed once half of its time is over. */
  async hold(): Promise<boolean> {
    const asked = Date.now();
    if (this.heldUntil - asked > this.ms / 2) return true;
    const held = await this.leases.update(
      {
        _id: this.name,
        // Nobody holds it for so long: the clock of whoever wrote that was wrong.
        $or: [{ owner: this.owner }, { until: { $lte: now() } }, { until: { $gt: after(CLOCKS_APART * this.ms) } }],
      },
      { $set: { owner: this.owner, until: after(this.ms, asked) } },
    );
    this.heldUntil = held ? asked + this.ms : 0;
    this.elsewhereUntil = held ? 0 : asked + this.ms / 2;
    return held !== null;
  }

  /** True while another node is known to have it. */
  get isElsewhere(): boolean {
    return Date.now() < this.elsewhereUntil;
  }

  /** Lets another node have it at once. */
  async release(): Promise<void> {
    if (this.heldUntil === 0) return;
    this.heldUntil = 0;
    await this.leases.update({ _id: this.name, owner: this.owner }, { $set: { until: now() } });
  }
}
