import type { Notification } from "../notification";

export interface InboxQuery {
  /** Only what was not read. */
  unread: boolean;
  /** Those before this one. */
  beforeId?: string;
  limit: number;
}

/**
 * Each user's notifications, the newest of them. What is resolved is stored; while its store is away every operation
 * rejects with 503.
 */
export interface Inbox {
  /** True where it was not there; the same id again changes nothing, and what is too old is not taken. */
  add(userId: string, notification: Notification): Promise<boolean>;
  /** The newest first, `limit` at most. */
  list(userId: string, query: InboxQuery): Promise<Notification[]>;
  /** Marks one as read, unless it was before; null where there is none. `at` is RFC 3339. */
  read(userId: string, id: string, at: string): Promise<Notification | null>;
  readAll(userId: string, at: string): Promise<void>;
  erase(userId: string): Promise<void>;
  /** Removes what is too old and would not go by itself. */
  forget(): Promise<void>;
  /** Resolves when its store answers. */
  ping(): Promise<void>;
  open(): Promise<void>;
  close(): Promise<void>;
}
