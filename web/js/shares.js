// Which of the watched words hold a place of a picture, by their maps as p2p_attention/pictures/grid.py writes them.

export const WHOLE = [0, 0, 1, 1]; // a place: its left, top, right and bottom side, as shares of the picture's
const decoded = new WeakMap();

function levelsOf(map) {
  if (!decoded.has(map)) decoded.set(map, Uint8Array.from(atob(map.levels), (letter) => letter.charCodeAt(0)));
  return decoded.get(map);
}

/** The first and the last cell, of so many, that lie between two shares of a side. */
function cells(from, to, side) {
  const first = Math.min(side - 1, Math.floor(from * side));
  return [first, Math.min(side - 1, Math.max(first, Math.ceil(to * side) - 1))];
}

/** A map's mean share of attention at a place. */
function shareAt(map, [left, top, right, bottom]) {
  const levels = levelsOf(map);
  const [columns, rows] = [cells(left, right, map.width), cells(top, bottom, map.height)];
  let [sum, count] = [0, 0];
  for (let row = rows[0]; row <= rows[1]; row++)
    for (let column = columns[0]; column <= columns[1]; column++, count++) sum += levels[row * map.width + column];
  return ((sum / count) * map.most) / 255;
}

/**
 * The words of maps {name, shares} of one picture with their parts of what all of them get at a place, the largest
 * first: {name, part}. Words of one name are one.
 */
export function rank(maps, place) {
  const got = new Map();
  for (const { name, shares } of maps) got.set(name, (got.get(name) ?? 0) + shareAt(shares, place));
  const all = [...got.values()].reduce((sum, share) => sum + share, 0) || 1;
  return [...got].map(([name, share]) => ({ name, part: share / all })).sort((a, b) => b.part - a.part);
}

/** The place of a number key: the ninths of a picture from 1 at the top left to 9 at the bottom right, 0 is the whole. */
export function placeOfKey(key) {
  if (!/^[0-9]$/.test(key)) return null;
  if (key === "0") return WHOLE;
  const [column, row] = [(key - 1) % 3, Math.floor((key - 1) / 3)];
  return [column / 3, row / 3, (column + 1) / 3, (row + 1) / 3];
}
