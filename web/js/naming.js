// Which words of a prompt a name means, and how a word is named: as p2p_attention/prompts/search.py reads names.

const CANNOT_NAME = /[,;:#\s]|^[^\p{L}\p{N}<]+$/u; // what parts names, lines and numbers, and punctuation

/** The places, each a list of indices, where a word or phrase stands in a list of words, whatever spaces and case. */
function occurrences(phrase, words) {
  const wanted = phrase.toLowerCase().replace(/\s+/g, "");
  const found = [];
  for (let start = 0; start < words.length; ) {
    let [spelled, end] = ["", start];
    while (end < words.length && spelled.length < wanted.length) spelled += words[end++];
    if (wanted && spelled === wanted) {
      found.push(Array.from({ length: end - start }, (_, n) => start + n));
      start = end;
    } else start++;
  }
  return found;
}

/** The names of a list with commas between. */
export function splitNames(words) {
  return words.split(",").map((name) => name.trim()).filter(Boolean);
}

/** Where in a list of words the words stand that a name such as "red circle" or "circle#2" means. */
export function placesOf(name, words) {
  const [, phrase, number] = /^(.*\S)\s*#\s*(\d+)$/.exec(name) ?? [null, name, null];
  const places = occurrences(phrase, words);
  return (number ? places.slice(number - 1, number) : places).flat();
}

/** Names of the words at some places, each with its number if it occurs several times; punctuation has none. */
export function namesFor({ words, at }) {
  return at.flatMap((place) => {
    const places = occurrences(words[place], words);
    const number = places.findIndex((found) => found.includes(place)) + 1;
    if (!number || CANNOT_NAME.test(words[place])) return [];
    // in front of a colon "blend" alone would be the word for a local blend
    return [places.length > 1 || words[place] === "blend" ? `${words[place]}#${number}` : words[place]];
  });
}
