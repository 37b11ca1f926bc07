// The words of two aligned prompts one by one, with what can be set of each and by which names.

import { namesFor, placesOf } from "./naming.js";

/** A run as one run a word where nothing answers anything else: each is a chip. */
function apart({ change, source, target }) {
  if (change === "swapped") return [{ change, source, target }];
  const each = (change === "removed" ? source : target).map((_, at) => at);
  return each.map((at) => ({ change, source: source.slice(at, at + 1), target: target.slice(at, at + 1) }));
}

/** From the runs of one target: words {change, source, target}, each side with all words and the places of its own. */
export function wordsOf(runs) {
  const side = (which) => runs.flatMap((run) => run[which].map(({ text }) => text));
  const all = { source: side("source"), target: side("target") };
  const met = { source: 0, target: 0 };
  const own = (run, which) => ({
    words: all[which],
    at: run[which].map(() => met[which]++),
    tokens: run[which].map(({ text, tokens }) => (tokens.length > 1 ? tokens.join("·") : text)),
  });
  return runs
    .flatMap(apart)
    .map((run) => ({ change: run.change, source: own(run, "source"), target: own(run, "target") }));
}

/** What the words of one side spell. */
export const spell = ({ words, at }) => at.map((place) => words[place]).join(" ");

/** Whether a name means the word's place on one side. */
export const means = (name, { words, at }) => placesOf(name, words).some((place) => at.includes(place));
const meansNoOther = (name, { words, at }) => placesOf(name, words).every((place) => at.includes(place));

/** Whether a kind of setting looks for its words in the source prompt too. */
const inBoth = (kind) => kind === "blend" || kind === "watch";

/** Whether a name, in a setting of that kind, means the word. */
export function isAbout(name, word, kind) {
  return means(name, word.target) || (inBoth(kind) && means(name, word.source));
}

/** The names under which a word is set; none where it cannot be, as an added word has no window. */
export function namesOf(word, kind) {
  const after = namesFor(word.target);
  if (kind === "window" && !["kept", "swapped"].includes(word.change)) return [];
  if (!inBoth(kind)) return after;
  const names = word.change === "kept" ? after : [...namesFor(word.source), ...after];
  return names.filter((name) => meansNoOther(name, word.source) && meansNoOther(name, word.target));
}

/** Those of some kinds of setting that the word has a name for. */
export const settable = (word, kinds) => kinds.filter((kind) => namesOf(word, kind).length);

/** What is set of a word: {strength, window, blend, watch}, each only if it is. */
export function valuesOf(word, said) {
  const values = {};
  for (const { kind, names, value } of said) {
    if (!names.some((name) => isAbout(name, word, kind))) continue;
    // strengths multiply; of windows the last counts
    values[kind] = kind === "strength" ? value * (values.strength ?? 1) : value;
  }
  return values;
}
