import { type Document, DuplicateKey, type OpenableCollection, type Store } from "../../../lib/store/collection";
import { after } from "../../../lib/time";
import { KEEP, KEEP_MS, type Notification, oldestKept } from "../notification";
import type { Inbox, InboxQuery } from "./inbox";

/** Its id begins with the user's, so that one user's notifications are a range of the index that there is anyway. */
interface Kept extends Document {
  notification: Omit<Notification, "readAt">;
  createdAt: string;
  readAt?: string;
}

const keyOf = (userId: string, id: string) => `${userId}:${id}`;
/** All of one user: `;` is the character after `:`. */
const allOf = (userId: string) => ({ $gt: keyOf(userId, ""), $lt: `${userId};` });
const keptOf = (userId: string) => ({ $gte: keyOf(userId, oldestKept()), $lt: `${userId};` });

const toNotification = ({ notification, readAt }: Kept): Notification => ({
  ...notification,
  ...(readAt !== undefined && { readAt }),
});

/** Inboxes in the node's store. */
export class StoredInbox implements Inbox {
  private readonly items: OpenableCollection<Kept>;

  constructor(private readonly store: Store) {
    this.items = store.collection<Kept>("notification", { name: "inbox", indexes: [{ fields: ["createdAt"] }] });
  }

  async add(userId: string, { readAt: _, ...notification }: Notification): Promise<boolean> {
    const { id, createdAt } = notification;
    if (id < oldestKept()) return false;
    const key = keyOf(userId, id);
    try {
      await this.items.insert({ _id: key, notification, createdAt });
    } catch (error) {
      if (error instanceof DuplicateKey) return false;
      throw error;
    }
    const gone = await this.trim(userId);
    return !gone.includes(key);
  }

  async list(userId: string, { unread, beforeId, limit }: InboxQuery): Promise<Notification[]> {
    const range = { ...keptOf(userId), ...(beforeId !== undefined && { $lt: keyOf(userId, beforeId) }) };
    const filter = { _id: range, ...(unread && { readAt: { $exists: false } }) };
    return (await this.items.find(filter, { sort: ["-_id"], limit })).map(toNotification);
  }

  async read(userId: string, id: string, at: string): Promise<Notification | null> {
    const key = keyOf(userId, id);
    const marked = await this.items.update({ _id: key, readAt: { $exists: false } }, { $set: { readAt: at } });
    const found = marked ?? (await this.items.get(key));
    return found && toNotification(found);
  }

  async readAll(userId: string, at: string): Promise<void> {
    await this.items.updateMany({ _id: allOf(userId), readAt: { $exists: false } }, { $set: { readAt: at } });
  }

  async erase(userId: string): Promise<void> {
    await this.items.remove({ _id: allOf(userId) });
  }

  async forget(): Promise<void> {
    await this.items.remove({ createdAt: { $lt: after(-KEEP_MS) } });
  }

  ping = (): Promise<void> => this.store.ping();
  open = (): Promise<void> => this.items.open();
  close = (): Promise<void> => this.items.close();

  private async trim(userId: string): Promise<string[]> {
    const over = (await this.items.count({ _id: allOf(userId) })) - KEEP;
    if (over <= 0) return [];
    const oldest = await this.items.find({ _id: allOf(userId) }, { sort: ["_id"], limit: over, fields: ["_id"] });
    const ids = oldest.map(({ _id }) => _id);
    await this.items.remove({ _id: { $in: ids } });
    return ids;
  }
}
