// Which word of the source answers which of the target, below the prompts while they are typed.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { allNodes, showOn } from "./nodes.js";
import { alignWords } from "./words.js";

const KINDS = ["P2P_EncodePromptPair", "P2P_Edit"];
const NAME = "p2p_alignment";
const HEIGHT = 74;
const MOST_TARGETS = 4;
const LOOKS = {
  kept: "opacity: 0.8;",
  swapped: "background: rgba(217, 164, 0, 0.28); border-color: rgba(217, 164, 0, 0.8);",
  added: "background: rgba(46, 160, 67, 0.28); border-color: rgba(46, 160, 67, 0.8);",
  removed: "background: rgba(218, 54, 51, 0.22); border-color: rgba(218, 54, 51, 0.7); text-decoration: line-through;",
};
const SAID = { kept: "kept", swapped: "swapped", added: "added", removed: "removed" };

const shown = new WeakMap(); // what a node shows: its element, and the texts that it was made of

/** A prompt's text: what is typed, or what the one text box shows that is connected; null where nobody knows. */
function textOf(node, name) {
  const slot = node.inputs?.find((input) => input.name === name);
  const link = slot?.link == null ? null : (node.graph?.links?.get?.(slot.link) ?? node.graph?.links?.[slot.link]);
  if (!link) return node.widgets?.find((widget) => widget.name === name)?.value ?? "";
  const texts = node.graph.getNodeById(link.origin_id)?.widgets?.filter(({ value }) => typeof value === "string") ?? [];
  return texts.length === 1 ? texts[0].value : null;
}

function promptsOf(node) {
  const more = (textOf(node, "more_targets") ?? "").split("\n").map((line) => line.trim());
  const source = textOf(node, "source_prompt");
  const targets = [textOf(node, "target_prompt"), ...more.filter(Boolean)].slice(0, MOST_TARGETS);
  return source === null || targets.includes(null) ? null : { source, targets };
}

async function ask(prompts) {
  try {
    const body = JSON.stringify(prompts);
    const reply = await api.fetchApi("/p2p/align", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (reply.ok) return (await reply.json()).targets;
  } catch {
    // an older server, or one that is away: plain words will do
  }
  return prompts.targets.map((target) => alignWords(prompts.source, target));
}

function chip(run) {
  const element = document.createElement("span");
  const spell = (words) => words.map(({ text }) => text).join(" ");
  const tokens = (words) => words.map(({ text, tokens }) => (tokens.length > 1 ? tokens.join("·") : text)).join(" ");
  const [before, after] = [spell(run.source), spell(run.target)];
  element.textContent = { kept: after, swapped: `${before} → ${after}`, added: `+ ${after}`, removed: before }[run.change];
  element.title = `${SAID[run.change]}: ${[run.source, run.target].filter(({ length }) => length).map(tokens).join(" → ")}`;
  element.setAttribute("role", "listitem");
  element.setAttribute("aria-label", `${element.textContent.replace("→", "becomes")}: ${SAID[run.change]}`);
  element.tabIndex = run.change === "kept" ? -1 : 0;
  element.dataset.change = run.change;
  element.style.cssText =
    "display: inline-block; margin: 1px 2px; padding: 0 5px; border: 1px solid transparent; border-radius: 8px; " +
    LOOKS[run.change];
  return element;
}

/** A run of kept words as one run a word: each is a chip. */
function apart(run) {
  if (run.change !== "kept") return [run];
  return run.target.map((word, at) => ({ change: "kept", source: [run.source[at]], target: [word] }));
}

function draw(element, targets) {
  const lists = targets.map((runs) => {
    const list = document.createElement("div");
    list.setAttribute("role", "list");
    list.setAttribute("aria-label", "Source and target prompt, word by word");
    list.append(...runs.flatMap(apart).map(chip));
    return list;
  });
  element.replaceChildren(...lists);
}

async function refresh(node) {
  const there = shown.get(node);
  const prompts = promptsOf(node);
  const key = JSON.stringify(prompts);
  if (!there || there.key === key) return;
  there.key = key;
  const targets = prompts ? await ask(prompts) : [];
  if (there.key === key) draw(there.element, targets);
}

function add(node) {
  const element = document.createElement("div");
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", "Alignment of the prompts");
  element.style.cssText =
    "box-sizing: border-box; width: 100%; height: 100%; overflow: auto; padding: 3px 4px; border-radius: 6px; " +
    "background: var(--comfy-input-bg, #222); color: var(--input-text, #ddd); font: 12px/1.6 sans-serif;";
  if (!showOn(node, NAME, element, HEIGHT)) return;
  shown.set(node, { element, key: "" });
  for (const widget of node.widgets) {
    const called = widget.callback;
    if (!widget.name.endsWith("_prompt") && widget.name !== "more_targets") continue;
    widget.callback = function (...args) {
      const result = called?.apply(this, args);
      refresh(node);
      return result;
    };
  }
  refresh(node);
}

app.registerExtension({
  name: "p2p.alignment",
  nodeCreated(node) {
    if (KINDS.includes(node.comfyClass)) add(node);
  },
  setup() {
    // what comes by undo, a link or a file calls nobody back
    setInterval(() => allNodes().filter((node) => shown.has(node)).forEach(refresh), 400);
  },
});
