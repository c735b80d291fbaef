import { notFound } from "../../lib/errors";
import type { Document, Filter, Store } from "../../lib/store/collection";
import { DEFAULT_LOCALE, type Locale, localeOf } from "./locale";
import type { Preferences, PreferencesChange } from "./notification.schema";

/** What a user chose; what is missing they left to us. */
interface Chosen extends Document {
  locale?: Locale;
  /** The language that their browser last asked for. */
  heard?: Locale;
  email?: { order?: boolean; chat?: boolean };
  /** Nothing is kept about them any more, and nothing may come again. */
  erased?: true;
}

const isNotErased: Filter = { erased: { $exists: false } };

const toPreferences = ({ locale, heard, email }: Omit<Chosen, "_id">): Preferences => ({
  locale: locale ?? heard ?? DEFAULT_LOCALE,
  email: { order: email?.order ?? true, chat: email?.chat ?? true },
});

/** Who wants to be told how. */
export function preferencesStore(store: Store) {
  const chosen = store.collection<Chosen>("notification", { name: "preferences" });

  async function change(userId: string, { locale, email, heard }: PreferencesChange & { heard?: Locale }) {
    await chosen.insertMany([{ _id: userId }]);
    const fields = { locale, heard, "email.order": email?.order, "email.chat": email?.chat };
    const changed = Object.values(fields).some((value) => value !== undefined)
      ? await chosen.update({ _id: userId, ...isNotErased }, { $set: fields })
      : await chosen.findOne({ _id: userId, ...isNotErased });
    if (!changed) throw notFound("USER_NOT_FOUND", "There is no such user.");
    return toPreferences(changed);
  }

  return {
    collections: [chosen] as const,

    /** How a user is to be told; null for one who is erased. */
    async of(userId: string): Promise<Preferences | null> {
      const found = await chosen.get(userId);
      return found?.erased ? null : toPreferences(found ?? {});
    },

    /**
     * The language for what was done just now in a browser that asked for `acceptLanguage`; where it may have been a
     * stranger's (`isWarning`), that does not replace the one they were heard in.
     */
    async localeFor(userId: string, acceptLanguage: string | undefined, isWarning: boolean): Promise<Locale> {
      const { locale, heard } = (await chosen.get(userId)) ?? {};
      const asked = localeOf(acceptLanguage);
      return locale ?? (isWarning ? (heard ?? asked) : (asked ?? heard)) ?? DEFAULT_LOCALE;
    },

    /** As {@link change} without a change; the language that was asked for is remembered. Throws 404 USER_NOT_FOUND. */
    async shown(userId: string, acceptLanguage: string | undefined): Promise<Preferences> {
      const heard = localeOf(acceptLanguage);
      const found = await chosen.get(userId);
      if (found && !found.erased && (heard === undefined || heard === found.heard)) return toPreferences(found);
      return change(userId, { heard });
    },

    /** Fields that are not named stay as they are. Throws 404 USER_NOT_FOUND for one who is erased. */
    change: (userId: string, change_: PreferencesChange, acceptLanguage: string | undefined): Promise<Preferences> =>
      change(userId, { ...change_, heard: localeOf(acceptLanguage) }),

    async erase(userId: string): Promise<void> {
      await chosen.insertMany([{ _id: userId }]);
      await chosen.update(
        { _id: userId },
        { $set: { erased: true }, $unset: { locale: true, heard: true, email: true } },
        { fields: [] },
      );
    },
  };
}

export type PreferencesStore = ReturnType<typeof preferencesStore>;
