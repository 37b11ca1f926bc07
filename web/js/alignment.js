// Which word of the source answers which of the target, below the prompts while they are typed, and what is set of it;
// and the same words on the nodes behind, to be chosen.

import { app } from "../../../scripts/app.js";
import { wordsOf } from "./aligned.js";
import { chainSettings } from "./chain_settings.js";
import { drawChips } from "./chips.js";
import { CHOICES } from "./choice.js";
import { mapsBehind } from "./heat.js";
import { allNodes, showOn, succeed } from "./nodes.js";
import { align, promptsOf } from "./prompts.js";
import { text } from "./text.js";
import { textSettings } from "./text_settings.js";

const SETTINGS = { P2P_EncodePromptPair: chainSettings, P2P_Edit: textSettings, ...CHOICES };
const NAME = "p2p_alignment";
const HEIGHT = 74;
const LOW = 52; // of words to choose

const shown = new WeakMap(); // what a node shows: its element, and the texts that it was made of

/** The prompts whose words a node shows; null where they are not known, or nothing could be chosen. */
function promptsFor(node, settings) {
  const choice = SETTINGS[node.comfyClass]?.only;
  const start = choice ? settings?.start(node) : node;
  return start ? promptsOf(start) : null;
}

async function refresh(node) {
  const there = shown.get(node);
  if (!there) return;
  const settings = SETTINGS[node.comfyClass]?.open(node) ? SETTINGS[node.comfyClass] : null;
  const prompts = promptsFor(node, settings);
  const key = JSON.stringify([prompts, Boolean(settings)]);
  if (there.key === key) return markAnew(node, there, settings);
  there.key = key;
  const targets = prompts ? await align(prompts) : [];
  if (there.key !== key) return;
  there.mark = drawChips(there.element, node, targets.map(wordsOf), settings);
  if (!targets.length && SETTINGS[node.comfyClass].only) there.element.textContent = text("choice.none");
  markAnew(node, there, settings);
}

/** Show what is set, and whose maps there are, where it is not what is shown. */
function markAnew(node, there, settings) {
  const said = JSON.stringify([settings?.read(node) ?? [], mapsBehind(node).map(({ filename }) => filename)]);
  if (there.said === said) return;
  there.said = said;
  there.mark?.();
}

function add(node) {
  const element = document.createElement("div");
  element.setAttribute("role", "group");
  const choice = SETTINGS[node.comfyClass].only;
  element.setAttribute("aria-label", text(choice ? "choice.label" : "alignment.label"));
  element.style.cssText =
    "box-sizing: border-box; width: 100%; height: 100%; overflow: auto; padding: 3px 4px; border-radius: 6px; " +
    "background: var(--comfy-input-bg, #222); color: var(--input-text, #ddd); font: 12px/1.6 sans-serif;";
  if (!showOn(node, NAME, element, choice ? LOW : HEIGHT)) return;
  // now and not when it is drawn, which would be a step of undo of its own
  if (choice) node.setSize?.([node.size[0], Math.max(node.size[1], node.computeSize()[1])]);
  shown.set(node, { element, key: "", said: "", mark: null });
  for (const widget of node.widgets) {
    const called = widget.callback;
    if (!widget.name.endsWith("_prompt") && !["more_targets", "words"].includes(widget.name)) continue;
    widget.callback = function (...args) {
      const result = called?.apply(this, args);
      refresh(node);
      return result;
    };
  }
  refresh(node);
}

app.registerExtension({
  name: "prompttoprompt.alignment",
  nodeCreated(node) {
    if (node.comfyClass in SETTINGS) add(node);
  },
  setup() {
    // what comes by undo, a link or a file calls nobody back
    setInterval(() => {
      for (const node of allNodes().filter((one) => shown.has(one))) {
        succeed(node, shown.get(node).element, NAME);
        refresh(node);
      }
    }, 400);
  },
});
