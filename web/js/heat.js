// Where the last run looked for a word: the pictures of P2P Attention Maps, shown beside the chip that one points at.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { means } from "./aligned.js";
import { nodesBehind, outputKey } from "./nodes.js";
import { putBeside, showOver } from "./over.js";
import { rankWords } from "./ranking.js";
import { text } from "./text.js";

const MOST = 8; // a sweep has a picture of each of its values
const STAYS = 250; // milliseconds, for the way from the chip to the pictures
const ID = "p2p_heat";
const LOOK = "max-width: min(560px, 96vw); padding: 6px 8px; font: 12px/1.4 sans-serif;";
const NAME = /^([^,]+), ((source|target)(?: (\d+))?(?:,.*)?)$/; // as EditPlan.watched_words writes it

let shown = null; // { panel, chip, leaving, onKey }

/** The pictures that the Attention Maps behind a node show, each with its `p2p_map` and the node's number, `by`. */
export function mapsBehind(node) {
  const outputs = app.nodeOutputs ?? {};
  const mapsOf = (output) => (output?.images ?? []).filter((image) => image?.p2p_map);
  if (!node.graph || !Object.values(outputs).some((output) => mapsOf(output).length)) return [];
  const nodes = nodesBehind(node).filter(({ comfyClass }) => comfyClass === "P2P_AttentionMaps");
  return nodes.flatMap((one) => mapsOf(outputs[outputKey(one)]).map((image) => ({ ...image, by: outputKey(one) })));
}

/** The words of one picture with their maps, {name, shares}, of all that an Attention Maps shows. */
function mapsOfPicture(images, by, row) {
  const maps = images.filter((image) => image.by === by && image.p2p_map.row === row).map((image) => image.p2p_map);
  return maps.flatMap(({ name, shares }) => (shares && NAME.test(name) ? [{ name: NAME.exec(name)[1], shares }] : []));
}

/**
 * Those of some pictures that are of a word, {src, name, whose, place, above, maps}; `number` is that of its target,
 * from 1, `maps()` gives the maps of all words of the same picture, `above` is the share of it above its label.
 */
export function heatOf(word, number, images) {
  return images.flatMap(({ filename, subfolder, type, by, p2p_map: { name, place, row, above_label: above } }) => {
    const [, called, whose, side, target] = NAME.exec(name) ?? [];
    if (!side || (side === "target" && Number(target ?? 1) !== number) || !means(called, word[side])) return [];
    const src = api.apiURL(`/view?${new URLSearchParams({ filename, subfolder, type })}`);
    const here = whose.replace(side, text(`side.${side}`));
    return [{ src, name: called, whose: here, place, above, maps: () => mapsOfPicture(images, by, row) }];
  });
}

/** Take the pictures away; where a `home` is given, only those that stand in it. */
export function hideHeat(home) {
  if (!shown || (home && !home.contains(shown.panel))) return;
  clearTimeout(shown.leaving);
  for (const kind of ["pointerdown", "wheel", "keydown"]) window.removeEventListener(kind, onAway, true);
  shown.chip.removeAttribute("aria-describedby");
  shown.panel.remove();
  shown = null;
}

function onAway(event) {
  if (event.type === "keydown" ? event.key === "Escape" : !shown.panel.contains(event.target)) return hideHeat();
  const plain = event.type === "keydown" && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (!plain || event.target !== shown.chip || !shown.onKey?.(event.key)) return;
  event.preventDefault();
  event.stopPropagation(); // the editor's own keys are for the canvas
}

function leave() {
  if (shown) shown.leaving = setTimeout(() => hideHeat(), STAYS);
}

function figure({ src, name, whose, place, above, maps }) {
  const element = document.createElement("figure");
  element.style.cssText = "margin: 0; width: 124px;";
  const alt = text("heat.most", { place: text(`place.${place}`) });
  const image = Object.assign(document.createElement("img"), { src, alt });
  image.style.cssText = "display: block; width: 100%; border-radius: 4px;";
  const frame = document.createElement("div");
  frame.style.cssText = "position: relative;";
  frame.append(image);
  const caption = Object.assign(document.createElement("figcaption"), { textContent: `${name}, ${whose}` });
  element.append(caption, frame);
  return { element, frame, image, name, whose, above, maps: maps() };
}

/** Below the words, or above where there is no room: never over a word that one may go to next. */
function putBelow(panel, chip, words) {
  const [{ left }, { top, bottom }] = [chip.getBoundingClientRect(), words.getBoundingClientRect()];
  putBeside(panel, left, top - 2, bottom + 2);
}

function show(chip, words, heat) {
  hideHeat();
  if (!heat.length || chip.getAttribute("aria-expanded") === "true") return;
  const panel = document.createElement("div");
  panel.id = ID;
  panel.setAttribute("role", "tooltip");
  const title = Object.assign(document.createElement("div"), { textContent: text("heat.title") });
  title.style.cssText = "font-weight: 600;";
  const pictures = document.createElement("div");
  pictures.style.cssText = "display: flex; flex-wrap: wrap; gap: 8px;";
  const figures = heat.slice(0, MOST).map(figure);
  pictures.append(...figures.map(({ element }) => element));
  panel.append(title, pictures);
  const ranking = rankWords(figures);
  if (ranking) panel.append(ranking.foot);
  panel.addEventListener("pointerenter", () => clearTimeout(shown?.leaving));
  panel.addEventListener("pointerleave", leave);
  showOver(panel, words, LOOK);
  shown = { panel, chip, leaving: 0, onKey: ranking?.onKey };
  chip.setAttribute("aria-describedby", ID);
  for (const kind of ["pointerdown", "wheel", "keydown"]) window.addEventListener(kind, onAway, true);
  for (const image of panel.querySelectorAll("img")) image.addEventListener("load", () => putBelow(panel, chip, words));
  putBelow(panel, chip, words);
}

/** Let a chip among its words show the pictures that `heat()` gives, under the pointer and while it has the focus. */
export function showsHeat(chip, words, heat) {
  for (const kind of ["pointerenter", "focus"]) chip.addEventListener(kind, () => show(chip, words, heat()));
  for (const kind of ["pointerleave", "blur"]) chip.addEventListener(kind, () => shown?.chip === chip && leave());
}
