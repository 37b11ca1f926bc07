// The small window of a word, in which is chosen what is done to it.

import { app } from "../../../scripts/app.js";
import { namesOf, valuesOf } from "./aligned.js";
import { asOneStep } from "./gesture.js";
import { putBeside, showOver } from "./over.js";
import { text } from "./text.js";

const LOOK = "width: 268px; padding: 8px 10px; font: 13px/1.5 sans-serif;";
const ROW = "display: flex; align-items: center; gap: 6px; min-height: 24px;";
const KINDS = {
  strength: {
    first: 2,
    sliders: [{ label: "strength", least: -5, most: 5, get: (value) => value, set: (_, to) => to }],
  },
  window: {
    first: [0, 0.4],
    sliders: [
      { label: "start", least: 0, most: 1, get: ([start]) => start, set: ([, end], to) => [to, Math.max(to, end)] },
      { label: "end", least: 0, most: 1, get: ([, end]) => end, set: ([start], to) => [Math.min(start, to), to] },
    ],
  },
  blend: { first: true, sliders: [] },
  watch: { first: true, sliders: [] },
};

let opened = null; // { element, shut }

function make(tag, style, more = {}) {
  const element = Object.assign(document.createElement(tag), more);
  element.style.cssText = style;
  return element;
}

/** The controls of one kind of setting: a switch, and its sliders. `now()` is the value, `set(value)` changes it. */
function row(kind, now, set) {
  const { first, sliders } = KINDS[kind];
  const element = make("div", "", { title: text(`hint.${kind}`) });
  const line = make("label", ROW + " cursor: pointer;");
  const box = make("input", "margin: 0;", { type: "checkbox" });
  box.addEventListener("change", () => set(box.checked ? first : null));
  line.append(box, text(`menu.${kind}`));
  element.append(line);
  const shown = sliders.map((slider) => {
    const label = text(`menu.${slider.label}`);
    const value = make("output", "width: 34px; text-align: right; font-variant-numeric: tabular-nums;");
    const range = make("input", "flex: 1; min-width: 0; margin: 0;", {
      type: "range", min: slider.least, max: slider.most, step: 0.05,
    });
    range.setAttribute("aria-label", label);
    range.addEventListener("input", () => (value.textContent = range.value));
    range.addEventListener("change", () => set(slider.set(now() ?? first, Number(range.value))));
    const held = make("div", ROW + " padding-left: 20px;");
    if (sliders.length > 1) held.append(make("span", "width: 34px;", { textContent: label }));
    held.append(range, value);
    element.append(held);
    return () => {
      range.value = slider.get(now() ?? first);
      value.textContent = now() === undefined ? "" : String(Math.round(slider.get(now()) * 100) / 100);
    };
  });
  const update = () => {
    box.checked = now() !== undefined;
    shown.forEach((one) => one());
  };
  return { element, update };
}

/** Go from control to control, from the last to the first. */
function move(element, by) {
  const controls = [...element.querySelectorAll("input")];
  const at = controls.indexOf(document.activeElement);
  controls[(at + by + controls.length) % controls.length].focus();
}

/** Close the menu if one is open; where a `home` is given, only if it stands in that. */
export function closeMenu(home) {
  if (!home || home.contains(opened?.element ?? null)) opened?.shut();
}

/**
 * Open the menu of a word at its chip. `settings` reads and writes what is set at the node, `changed` is called
 * after each change.
 */
export function openMenu(anchor, node, word, settings, changed) {
  closeMenu();
  const values = () => valuesOf(word, settings.read(node));
  const kinds = settings.kinds(node, word);
  const named = [...new Set(kinds.flatMap((kind) => namesOf(word, kind)))].join(", ");
  const element = make("div", "");
  element.setAttribute("role", "dialog");
  element.setAttribute("aria-label", text("menu.label", { words: named }));
  element.append(make("div", "font-weight: 600; overflow: hidden; text-overflow: ellipsis;", { textContent: named }));
  const rows = kinds.map((kind) =>
    row(kind, () => values()[kind], (value) => {
      asOneStep(() => settings.write(node, word, kind, namesOf(word, kind), value));
      rows.forEach(({ update }) => update());
      changed();
    }),
  );
  element.append(...rows.map((one) => one.element));
  if (word.change === "added") element.append(make("div", "opacity: 0.7;", { textContent: text("menu.no_window") }));

  const outside = (event) => element.contains(event.target) || anchor.contains(event.target) || closeMenu();
  const left = (event) => event.relatedTarget && !element.contains(event.relatedTarget) && closeMenu();
  element.addEventListener("focusout", left);
  element.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the editor's own keys are for the canvas
    const undo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    if (event.key === "Escape" || undo) {
      closeMenu();
      anchor.focus();
      if (undo) app.extensionManager?.command?.execute?.(event.shiftKey ? "Comfy.Redo" : "Comfy.Undo");
    } else if (event.key === "Tab") {
      const ends = [...element.querySelectorAll("input")].at(event.shiftKey ? 0 : -1);
      if (event.target !== ends) return;
      closeMenu();
      anchor.focus(); // and the key goes on from there
      return;
    } else if (event.key === "ArrowDown") move(element, 1);
    else if (event.key === "ArrowUp") move(element, -1);
    else if (event.key === "Enter" && event.target.type === "checkbox") event.target.click();
    else return;
    event.preventDefault();
  });
  window.addEventListener("pointerdown", outside, true);
  window.addEventListener("wheel", outside, true);
  const shut = () => {
    opened = null;
    window.removeEventListener("pointerdown", outside, true);
    window.removeEventListener("wheel", outside, true);
    anchor.setAttribute("aria-expanded", "false");
    element.remove();
  };
  opened = { element, shut };
  showOver(element, anchor.parentElement, LOOK);
  anchor.setAttribute("aria-expanded", "true");
  rows.forEach(({ update }) => update());
  const { left: side, top, bottom } = anchor.getBoundingClientRect();
  putBeside(element, side, top - 4, bottom + 4);
  element.querySelector("input").focus();
}
