/** Longest part of a word that is looked at, so that a prefix of any length up to it finds the word. */
const PREFIX = 20;
const MAX_TOKENS = 600;
const MAX_QUERY_TOKENS = 24;

/** Scripts without spaces between words, or, as in Korean, with endings that stick to them. */
const RUNS = /[\p{Script=Hangul}]+|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]+|[\p{L}\p{N}]/gu;
const BY_CHARACTER = /^[\p{Script=Hangul}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;

export const normalise = (text: string): string => text.normalize("NFKC").toLowerCase();

/** Runs of one kind each: a word in letters and digits, or characters of a script that is searched by bigrams. */
function runs(text: string): string[] {
  const found: string[] = [];
  let word = "";
  let end = 0;
  for (const match of normalise(text).matchAll(RUNS)) {
    const [run] = match;
    const single = !BY_CHARACTER.test(run);
    if (word && (!single || match.index !== end)) {
      found.push(word);
      word = "";
    }
    if (single) word += run;
    else found.push(run);
    end = match.index + run.length;
  }
  if (word) found.push(word);
  return found;
}

function* bigrams(run: string): Generator<string> {
  const characters = [...run];
  for (let i = 1; i < characters.length; i++) yield `${characters[i - 1]}${characters[i]}`;
}

function* prefixes(word: string): Generator<string> {
  const characters = [...word].slice(0, PREFIX);
  for (let length = 1; length <= characters.length; length++) yield characters.slice(0, length).join("");
}

/** What a document is found by: of `titles` every beginning of a word, of `texts` whole words; Korean by its bigrams. */
export function documentTokens(titles: string[], texts: string[]): string[] {
  const tokens = new Set<string>();
  const add = (run: string, parts: Iterable<string>) => {
    if (BY_CHARACTER.test(run)) {
      for (const character of run) tokens.add(character);
      for (const bigram of bigrams(run)) tokens.add(bigram);
    } else for (const part of parts) tokens.add(part);
  };
  for (const run of titles.flatMap(runs)) add(run, prefixes(run));
  for (const run of texts.flatMap(runs)) add(run, [[...run].slice(0, PREFIX).join("")]);
  return [...tokens].slice(0, MAX_TOKENS);
}

/** What a document must have to fit a search, all of it; empty when the search says nothing. The rarest come first. */
export function queryTokens(q: string): string[] {
  const tokens = new Set<string>();
  for (const run of runs(q)) {
    const characters = [...run];
    if (!BY_CHARACTER.test(run)) tokens.add(characters.slice(0, PREFIX).join(""));
    else if (characters.length === 1) tokens.add(run);
    else for (const bigram of bigrams(run)) tokens.add(bigram);
  }
  return [...tokens].sort((a, b) => b.length - a.length).slice(0, MAX_QUERY_TOKENS);
}
