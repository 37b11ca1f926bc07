// The alignment of two prompts by plain words, for when the server knows no tokenizer.

const split = (text) => text.toLowerCase().match(/[\p{L}\p{N}_'-]+|[^\s\p{L}\p{N}_'-]+/gu) ?? [];
const word = (text) => ({ text, tokens: [text] });

/** Runs {change, source, target} in reading order, as the server gives them. */
export function alignWords(source, target) {
  const [before, after] = [split(source), split(target)];
  const common = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      common[i][j] =
        before[i] === after[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
  const runs = [];
  let [i, j, left, added] = [0, 0, [], []];
  const flush = () => {
    const pairs = left.length === added.length ? left.map((text, k) => [[text], [added[k]]]) : [[left, added]];
    for (const [from, to] of pairs) {
      const change = from.length && to.length ? "swapped" : to.length ? "added" : "removed";
      if (from.length || to.length) runs.push({ change, source: from.map(word), target: to.map(word) });
    }
    [left, added] = [[], []];
  };
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      flush();
      runs.push({ change: "kept", source: [word(before[i++])], target: [word(after[j++])] });
    } else if (j >= after.length || (i < before.length && common[i + 1][j] >= common[i][j + 1])) left.push(before[i++]);
    else added.push(after[j++]);
  }
  flush();
  return runs;
}
