import type { Role } from "../../lib/actions";
import { conflict, notFound, unavailable } from "../../lib/errors";
import { newId } from "../../lib/ids";
import { type Change, type Document, DuplicateKey, type Filter, type Store } from "../../lib/store/collection";
import { after, now } from "../../lib/time";
import type { UserView } from "./user.contract";
import type { Address } from "./user.schema";

/** What other contexts must still be told of a change; kept with the change until it is done. */
export interface FollowUp {
  /** Another one each time that something is added, so that an older run does not tick off what is newer. */
  id: string;
  endSessions?: boolean;
  renewClaims?: boolean;
  /** They help nobody any more, be it that they never did. */
  retire?: boolean;
  erase?: boolean;
}

export interface UserDocument extends Document {
  /** Missing where a provider gave none and for the erased, so that the unique index leaves them out. */
  email?: string;
  emailVerified: boolean;
  name: string;
  roles: Role[];
  status: "active" | "locked" | "erased";
  addresses: Address[];
  /** Counts changes of `addresses`. */
  addressVersion: number;
  createdAt: string;
  followUp?: FollowUp;
  due?: string;
}

type Task = Exclude<keyof FollowUp, "id">;

export type NewUser = Pick<UserDocument, "_id" | "name"> & {
  email: string | null;
  emailVerified?: boolean;
  roles?: Role[];
};

export const toView = ({ _id, email, emailVerified, name, roles, status, createdAt }: UserDocument): UserView => ({
  id: _id,
  email: email ?? null,
  emailVerified,
  name,
  roles,
  status: status === "locked" ? "locked" : "active",
  createdAt,
});

/** Admins help as agents do. */
export const mayHelp = (roles: Role[]): boolean => roles.some((role) => role === "agent" || role === "admin");

const notErased: Filter = { status: { $ne: "erased" } };
const ADDRESS_TRIES = 20;

export const userNotFound = () => notFound("USER_NOT_FOUND", "There is no such user.");

/** The users of the shop. One who is erased stays as an id without personal data and is found by nobody. */
export function userStore(store: Store, leaseMs: number) {
  const users = store.collection<UserDocument>("user", {
    name: "users",
    indexes: [
      { fields: ["email"], unique: true, sparse: true },
      { fields: ["due"], sparse: true },
    ],
  });

  /** What the change must be followed by, as a part of the change itself; this node has a lease to do it. */
  const followedBy = (task: Task): Record<string, unknown> => ({
    "followUp.id": newId(),
    [`followUp.${task}`]: true,
    due: after(leaseMs),
  });

  async function find(id: string): Promise<UserDocument> {
    const user = await users.findOne({ _id: id, ...notErased });
    if (!user) throw userNotFound();
    return user;
  }

  async function change(id: string, fields: Change): Promise<UserDocument> {
    const changed = await users.update({ _id: id, ...notErased }, fields);
    if (!changed) throw userNotFound();
    return changed;
  }

  return {
    users,
    find,
    change,

    /** The same id again answers the user there is. Throws 409 EMAIL_TAKEN. */
    async create({ email, emailVerified = false, roles = ["customer"], ...user }: NewUser): Promise<UserDocument> {
      try {
        return await users.insert({
          ...user,
          email: email?.toLowerCase(),
          emailVerified,
          roles,
          status: "active",
          addresses: [],
          addressVersion: 0,
          createdAt: now(),
        });
      } catch (error) {
        if (!(error instanceof DuplicateKey)) throw error;
        if (await users.get(user._id)) return find(user._id);
        throw conflict("EMAIL_TAKEN", "There is an account with this email address.");
      }
    },

    async verifyEmail(id: string, email: string): Promise<void> {
      await users.update({ _id: id, email: email.toLowerCase() }, { $set: { emailVerified: true } });
    },

    /** Puts what `edit` makes of the addresses in their place; what it throws is the answer. */
    async editAddresses(id: string, edit: (addresses: Address[]) => Address[]): Promise<Address[]> {
      for (let attempt = 0; attempt < ADDRESS_TRIES; attempt++) {
        const { addresses, addressVersion } = await find(id);
        const edited = edit(addresses);
        const changed = await users.update(
          { _id: id, addressVersion, ...notErased },
          { $set: { addresses: edited }, $inc: { addressVersion: 1 } },
        );
        if (changed) return edited;
      }
      throw unavailable("BUSY", "These addresses are being changed by others; try again.", 1);
    },

    /** Takes away all that names the person, at once; the rest follows. Throws 404 USER_NOT_FOUND. */
    erase: (id: string): Promise<UserDocument> =>
      change(id, {
        $set: { status: "erased", name: "", addresses: [], emailVerified: false, ...followedBy("erase") },
        $inc: { addressVersion: 1 },
        $unset: { email: true },
      }),

    /** New roles or a lock end the tokens that say otherwise; unlocking needs nothing more. Throws 404 USER_NOT_FOUND. */
    administer(id: string, { roles, status }: Partial<Pick<UserDocument, "roles" | "status">>): Promise<UserDocument> {
      if (!roles && !status) return find(id);
      const following = {
        ...(roles && followedBy("renewClaims")),
        ...(status === "locked" && followedBy("endSessions")),
        ...((status === "locked" || (roles && !mayHelp(roles))) && followedBy("retire")),
      };
      return change(id, { $set: { roles, status, ...following } });
    },

    /** Newest first, `limit + 1` of those before the user `beforeId`. */
    list: ({ email, beforeId, limit }: { email?: string; beforeId?: string; limit: number }): Promise<UserDocument[]> =>
      users.find(
        { ...notErased, email: email?.toLowerCase(), ...(beforeId !== undefined && { _id: { $lt: beforeId } }) },
        { sort: ["-_id"], limit: limit + 1 },
      ),

    /** Ticks off what was done, all or some of it, unless more was added meanwhile. */
    async followed({ _id, followUp }: UserDocument, ...tasks: Task[]): Promise<void> {
      if (!followUp) return;
      const done = tasks.length > 0 ? tasks.map((task) => `followUp.${task}`) : ["followUp", "due"];
      const change = { $unset: Object.fromEntries(done.map((path) => [path, true as const])) };
      await users.update({ _id, "followUp.id": followUp.id }, change);
    },
  };
}

export type UserStore = ReturnType<typeof userStore>;
