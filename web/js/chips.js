// The words of a node's prompts as chips: what changed, what is set, and a menu to set it.

import { namesOf, spell, valuesOf } from "./aligned.js";
import { asOneStep } from "./gesture.js";
import { heatOf, hideHeat, mapsBehind, showsHeat } from "./heat.js";
import { badge } from "./lines.js";
import { closeMenu, openMenu } from "./menu.js";
import { text } from "./text.js";

const LOOKS = {
  kept: "opacity: 0.85;",
  swapped: "background: rgba(217, 164, 0, 0.28); border-color: rgba(217, 164, 0, 0.8);",
  added: "background: rgba(46, 160, 67, 0.28); border-color: rgba(46, 160, 67, 0.8);",
  removed: "background: rgba(218, 54, 51, 0.22); border-color: rgba(218, 54, 51, 0.7); text-decoration: line-through;",
};
const LOOK =
  "display: inline-block; margin: 1px 2px; padding: 0 5px; border: 1px solid transparent; border-radius: 8px; " +
  "background: none; color: inherit; font: inherit; text-align: left; ";
const BADGE =
  "display: inline-block; margin-left: 4px; padding: 0 4px; border-radius: 6px; font-size: 10px; line-height: 14px; " +
  "background: var(--input-text, #ddd); color: var(--comfy-input-bg, #222); text-decoration: none;";
const UNDERLINED = "inset 0 -2px 0 rgb(230, 80, 60)"; // the middle of the maps' colours
const PRESSED = "inset 0 0 0 2px var(--p-primary-color, #4a9eff)";
const ORDER = ["strength", "window", "blend", "watch"];

/** How a word is shown. */
function label({ change, source, target }) {
  const [before, after] = [spell(source), spell(target)];
  return { kept: after, swapped: `${before} → ${after}`, added: `+ ${after}`, removed: before }[change];
}

/** The same, to be heard. */
function spoken(word) {
  if (word.change !== "swapped") return label(word);
  return text("chip.becomes", { before: spell(word.source), after: spell(word.target) });
}

/** Show on a chip whether its word is chosen; it is called by the names that a click takes into the list. */
function press(button, word, kind, said) {
  const pressed = kind in valuesOf(word, said);
  button.textContent = namesOf(word, kind).join(", ");
  button.setAttribute("aria-pressed", String(pressed));
  button.style.boxShadow = pressed ? PRESSED : "";
}

/** Name the word, or take its name away, as one step of undo. */
function choose(node, word, settings) {
  const kind = settings.only;
  const value = kind in valuesOf(word, settings.read(node)) ? null : true;
  asOneStep(() => settings.write(node, word, kind, namesOf(word, kind), value));
}

/** Show on a chip what is set of its word, and whether there is a map of it. */
function mark(button, word, said, mapped) {
  const values = valuesOf(word, said);
  const set = ORDER.filter((kind) => kind in values);
  const value = (kind) => badge(kind, values[kind]) ?? text(`kind.${kind}`);
  const badges = set.map((kind) => {
    const element = document.createElement("span");
    element.style.cssText = BADGE;
    element.textContent = value(kind);
    return element;
  });
  button.replaceChildren(label(word), ...badges);
  const told = set.map((kind) => [text(`kind.${kind}`), badge(kind, values[kind])?.replace("×", "")]);
  const parts = told.map((one) => one.filter(Boolean).join(" "));
  if (mapped) parts.push(text("chip.map"));
  button.style.boxShadow = mapped ? UNDERLINED : "";
  button.setAttribute("aria-label", [`${spoken(word)}: ${text(`change.${word.change}`)}`, ...parts].join(", "));
}

/** Left and right go from chip to chip; by Tab a list is one stop. */
function onArrow(event, buttons) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const to = buttons[buttons.indexOf(event.currentTarget) + by];
  if (!to) return;
  event.preventDefault();
  event.stopPropagation();
  buttons.forEach((button) => (button.tabIndex = button === to ? 0 : -1));
  to.focus();
}

/**
 * Draw the words of each target into an element. Returns a function that shows anew what is set.
 *
 * `settings` reads and writes what is set at the node; without it, and where a word has no name, a chip only shows.
 * Where they have one kind `only`, a click chooses a word, and those that cannot be chosen are not shown.
 */
export function drawChips(element, node, targets, settings) {
  closeMenu(element);
  hideHeat(element);
  const marks = [];
  const choice = settings?.only;
  const markAll = () => {
    const [said, maps] = [settings?.read(node) ?? [], mapsBehind(node)];
    marks.forEach((one) => one(said, maps));
  };
  const lists = targets.map((words, number) => {
    const list = document.createElement("div");
    list.setAttribute("role", "list");
    list.setAttribute("aria-label", text(choice ? "choice.label" : "alignment.prompts"));
    const buttons = [];
    for (const word of words) {
      const item = document.createElement("span");
      item.setAttribute("role", "listitem");
      item.dataset.change = word.change;
      const settable = settings?.kinds(node, word).length;
      if (choice && !settable) continue;
      const chip = document.createElement(settable ? "button" : "span");
      const tokens = [word.source, word.target].map(({ tokens }) => tokens.join(" ")).filter(Boolean);
      chip.title = `${text(`change.${word.change}`)}: ${tokens.join(" → ")}`;
      chip.style.cssText = LOOK + LOOKS[word.change];
      if (settable) {
        chip.type = "button";
        chip.style.cursor = "pointer";
        chip.tabIndex = buttons.length ? -1 : 0;
        if (!choice) chip.setAttribute("aria-haspopup", "dialog");
        chip.addEventListener("click", () => {
          hideHeat();
          if (choice) choose(node, word, settings);
          else openMenu(chip, node, word, settings, markAll);
          markAll();
        });
        chip.addEventListener("keydown", (event) => onArrow(event, buttons));
        buttons.push(chip);
      } else chip.setAttribute("role", "img");
      let heat = [];
      showsHeat(chip, element, () => heat);
      marks.push((said, maps) => {
        heat = heatOf(word, number + 1, maps);
        if (choice) press(chip, word, choice, said);
        else mark(chip, word, said, heat.length > 0);
      });
      item.append(chip);
      list.append(item);
    }
    return list;
  });
  element.replaceChildren(...lists);
  markAll();
  return markAll;
}
