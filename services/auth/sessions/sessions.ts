import { newId } from "../../../lib/ids";
import type { Collection, Document, Filter } from "../../../lib/store/collection";
import { after, now } from "../../../lib/time";
import type { EndReason } from "../auth.contract";
import type { Client } from "../neighbours";
import type { RefreshToken, RefreshTokens } from "../tokens/refresh-token";

/** A session: what one login, and the family of refresh tokens that comes of it, may go on with. */
export interface SessionDocument extends Document {
  userId: string;
  /** Hashes of refresh tokens that were given out and not used yet, each with the time it was given out. */
  live: Record<string, string>;
  /** Hashes of those that were used in the last half minute, each with the time of its first use. */
  used: Record<string, string>;
  createdAt: string;
  lastUsedAt: string;
  expiresAt: string;
  /** Where it was last used: signed in, or refreshed. */
  userAgent: string;
  ip: string;
  /** The id of the second factor that was shown in it. */
  secondFactor?: string;
  revokedAt?: string;
  revokedFor?: EndReason;
}

/** Two tabs that refresh at once both mean well; who comes later than this has a copy. */
export const GRACE_MS = 30_000;
/** Tokens that were answered and never used, such as those of a tab that lost; of more than this the oldest go. */
export const MAX_LIVE = 200;
const MAX_LISTED = 100;
const notEnded: Filter = { revokedAt: { $exists: false } };

/** Pure: what may leave the document at `at`: used tokens whose grace is over, and the oldest of too many unused ones. */
export function forgettable({ live, used }: Pick<SessionDocument, "live" | "used">, at: string): Record<string, true> {
  const over = Object.keys(used).filter((hash) => (used[hash] ?? "") < after(-GRACE_MS, at));
  const oldestFirst = Object.keys(live).toSorted((a, b) => ((live[a] ?? "") < (live[b] ?? "") ? -1 : 1));
  const tooMany = oldestFirst.slice(0, Math.max(0, oldestFirst.length + 1 - MAX_LIVE));
  const paths = [...over.map((hash) => `used.${hash}`), ...tooMany.map((hash) => `live.${hash}`)];
  return Object.fromEntries(paths.map((path) => [path, true]));
}

/** As its owner and operators see it. */
export const toView = ({ _id: id, createdAt, lastUsedAt, userAgent, ip }: SessionDocument) => ({
  id,
  createdAt,
  lastUsedAt,
  userAgent,
  ip,
});

const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, " ").slice(0, 256);
const placeOf = ({ userAgent = "", clientIp = "" }: Client) => ({ userAgent: printable(userAgent), ip: clientIp });

/**
 * Sessions by the rule of refresh tokens: each is good for one rotation, and, for 30 s from its first use, for further
 * pairs of the same session, each of which works in its turn. After that its use means that somebody has a copy, and
 * the session ends. A token that the session knows neither as live nor as used half a minute ago is such a one: its
 * seal says that it was given out, so its hash need not be kept.
 */
export class Sessions {
  constructor(
    private readonly sessions: Collection<SessionDocument>,
    private readonly tokens: RefreshTokens,
    private readonly lifetimeMs: number,
  ) {}

  async open(userId: string, client: Client, secondFactor?: string): Promise<{ sid: string; refreshToken: string }> {
    const sid = newId();
    const { token, hash } = this.tokens.make(sid);
    const at = now();
    await this.sessions.insert({
      _id: sid,
      userId,
      live: { [hash]: at },
      used: {},
      createdAt: at,
      lastUsedAt: at,
      expiresAt: after(this.lifetimeMs, at),
      ...placeOf(client),
      secondFactor,
    });
    return { sid, refreshToken: token };
  }

  /** A session that never became one: no token of it was answered. */
  async discard(sid: string): Promise<void> {
    await this.sessions.remove({ _id: sid });
  }

  /** The session of a token, used or not; null where it has ended or the token is not one of ours. */
  async of(token: string): Promise<{ session: SessionDocument; token: RefreshToken } | null> {
    const read = this.tokens.read(token);
    const session = read && (await this.sessions.findOne({ _id: read.sid, expiresAt: { $gt: now() }, ...notEnded }));
    return session ? { session, token: read } : null;
  }

  /** Whether a user's session goes on. */
  async isOpen(sid: string, userId: string): Promise<boolean> {
    return (await this.sessions.count({ _id: sid, userId, expiresAt: { $gt: now() }, ...notEnded })) > 0;
  }

  /** Another token for one that may be rotated; null for one that may not, be it used too long ago or the session over. */
  async rotate(session: SessionDocument, { hash }: RefreshToken, client: Client): Promise<string | null> {
    const at = now();
    const next = this.tokens.make(session._id);
    const alive = { _id: session._id, expiresAt: { $gt: at }, ...notEnded };
    const $unset = forgettable(session, at);
    const expiresAt = after(this.lifetimeMs, at);
    const $set = { [`live.${next.hash}`]: at, lastUsedAt: at, expiresAt, ...placeOf(client) };
    const rotated =
      (await this.sessions.update(
        { ...alive, [`live.${hash}`]: { $exists: true } },
        { $set: { ...$set, [`used.${hash}`]: at }, $unset: { ...$unset, [`live.${hash}`]: true } },
      )) ??
      (await this.sessions.update({ ...alive, [`used.${hash}`]: { $gte: after(-GRACE_MS, at) } }, { $set, $unset }));
    return rotated && next.token;
  }

  /** A second factor was shown in a session that goes on. */
  async showed(sid: string, userId: string, secondFactor: string): Promise<void> {
    await this.sessions.update({ _id: sid, userId, ...notEnded }, { $set: { secondFactor } });
  }

  /** Answers the session if it is this call that ended it. */
  end(sid: string, reason: EndReason, owner?: string): Promise<SessionDocument | null> {
    const filter = { _id: sid, ...notEnded, ...(owner !== undefined && { userId: owner }) };
    return this.sessions.update(filter, { $set: { revokedAt: now(), revokedFor: reason } });
  }

  /** Ends a user's sessions, but for the one to `keep` and those opened after `until`; answers the ended ones' ids. */
  async endAll(userId: string, reason: EndReason, { keep, until }: { keep?: string; until?: string } = {}) {
    const at = now();
    const filter: Filter = {
      userId,
      ...notEnded,
      ...(keep !== undefined && { _id: { $ne: keep } }),
      ...(until !== undefined && { createdAt: { $lte: until } }),
    };
    const ended = await this.sessions.find(filter, { fields: ["userId"] });
    await this.sessions.updateMany(filter, { $set: { revokedAt: at, revokedFor: reason } });
    return { ended: ended.map(({ _id }) => _id), at };
  }

  /** Those one can go on with, the last used first. */
  list(userId: string): Promise<SessionDocument[]> {
    return this.sessions.find(
      { userId, expiresAt: { $gt: now() }, ...notEnded },
      { sort: ["-lastUsedAt"], limit: MAX_LISTED },
    );
  }

  endedSince(since: string): Promise<SessionDocument[]> {
    return this.sessions.find({ revokedAt: { $gte: since } }, { fields: ["userId", "revokedAt", "revokedFor"] });
  }

  /** Takes client addresses and user agents out of what is left of an erased user's sessions. */
  async anonymise(userId: string): Promise<void> {
    await this.sessions.updateMany({ userId }, { $set: { userAgent: "", ip: "" } });
  }

  /** Removes sessions that expired or ended before `before`, when no access token of them lives any more. */
  async clean(before: string): Promise<void> {
    await this.sessions.remove({ expiresAt: { $lt: before } });
    await this.sessions.remove({ revokedAt: { $lt: before } });
  }
}
