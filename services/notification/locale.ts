export const LOCALES = ["ko", "en"] as const;
export type Locale = (typeof LOCALES)[number];

/** Whom nobody has heard speak reads what the shop speaks. */
export const DEFAULT_LOCALE: Locale = "ko";

/** The language of ours that an `Accept-Language` header likes best; undefined where it names none. */
export function localeOf(acceptLanguage: string | undefined): Locale | undefined {
  const liked = (acceptLanguage ?? "").split(",").flatMap((range, place) => {
    const [tag = "", ...params] = range
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/);
    const locale = LOCALES.find((candidate) => tag === candidate || tag.startsWith(`${candidate}-`));
    const q = Number(params.find((param) => param.startsWith("q="))?.slice(2) ?? 1);
    return locale && q > 0 ? [{ locale, q, place }] : [];
  });
  return liked.sort((a, b) => b.q - a.q || a.place - b.place)[0]?.locale;
}
