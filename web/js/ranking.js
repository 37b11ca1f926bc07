// Below each picture of a word's maps: the words that get most of the attention at the place that one points at.

import { placeOfKey, rank, WHOLE } from "./shares.js";
import { text } from "./text.js";

const MOST = 5;
const TOLD = 3; // to a screen reader
const MARK =
  "position: absolute; pointer-events: none; box-sizing: border-box; border: 1px solid #fff; outline: 1px solid #000; " +
  "border-radius: 3px; min-width: 9px; min-height: 9px;";
const HIDDEN = "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);";
const LINE =
  "display: flex; justify-content: space-between; gap: 6px; padding: 0 4px; border-radius: 3px; line-height: 17px;";

const percent = (part) => `${Math.round(part * 100)} %`;

function make(tag, style, textContent = "") {
  const element = Object.assign(document.createElement(tag), { textContent });
  element.style.cssText = style;
  return element;
}

function line({ name, part }, own) {
  const element = make("li", LINE);
  const bar = `${Math.round(part * 100)}%`;
  element.style.background = `linear-gradient(90deg, rgba(230, 80, 60, 0.35) ${bar}, transparent ${bar})`;
  element.style.fontWeight = own ? "600" : "";
  const word = make("span", "overflow: hidden; text-overflow: ellipsis; white-space: nowrap;", name);
  element.append(word, make("span", "white-space: nowrap; font-variant-numeric: tabular-nums;", percent(part)));
  return element;
}

/**
 * Rank the words of some figures: {element, frame, image, name, whose, above, maps}, where `frame` holds the image
 * alone, `above` is the share of its height above its label, and `maps` are those of all words of that picture.
 *
 * Returns null where there are no words to compare, or {foot, onKey}: what to show below the figures, and what a number
 * key does, which tells whether it did something.
 */
export function rankWords(figures) {
  if (!figures.every(({ maps }) => new Set(maps.map(({ name }) => name)).size > 1)) return null;
  const shown = figures.map((figure) => {
    const list = make("ol", "list-style: none; margin: 4px 0 0; padding: 0;");
    list.setAttribute("aria-label", text("ranking.label", { picture: figure.whose }));
    const mark = make("div", MARK);
    figure.frame.append(mark);
    figure.element.append(list);
    return { ...figure, list, mark };
  });
  const told = make("div", HIDDEN);
  told.setAttribute("role", "status");
  const foot = make("div", "margin-top: 4px; opacity: 0.75;", text("ranking.hint"));
  foot.append(told);

  function rankAt(place) {
    const [left, top, right, bottom] = place;
    return shown.map(({ list, mark, name, whose, above, maps }) => {
      mark.hidden = place === WHOLE;
      mark.style.left = `${left * 100}%`;
      mark.style.top = `${top * above * 100}%`;
      mark.style.width = `${(right - left) * 100}%`;
      mark.style.height = `${(bottom - top) * above * 100}%`;
      mark.style.transform = left === right ? "translate(-50%, -50%)" : "";
      const words = rank(maps, place);
      list.replaceChildren(...words.slice(0, MOST).map((word) => line(word, word.name === name)));
      return `${whose}: ${words.slice(0, TOLD).map((word) => `${word.name} ${percent(word.part)}`).join(", ")}`;
    });
  }
  for (const { frame, image, above } of shown) {
    frame.addEventListener("pointermove", ({ clientX, clientY }) => {
      const { left, top, width, height } = image.getBoundingClientRect();
      const [x, y] = [(clientX - left) / width, (clientY - top) / (height * above)];
      rankAt(x < 0 || x > 1 || y < 0 || y > 1 ? WHOLE : [x, y, x, y]);
    });
    frame.addEventListener("pointerleave", () => rankAt(WHOLE));
  }
  rankAt(WHOLE);
  const onKey = (key) => {
    const place = placeOfKey(key);
    if (place) told.textContent = rankAt(place).join("; ");
    return place !== null;
  };
  return { foot, onKey };
}
