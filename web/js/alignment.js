// Which word of the source answers which of the target, below the prompts while they are typed, and what is set of it.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { wordsOf } from "./aligned.js";
import { chainSettings } from "./chain_settings.js";
import { drawChips } from "./chips.js";
import { mapsBehind } from "./heat.js";
import { allNodes, showOn, succeed } from "./nodes.js";
import { textSettings } from "./text_settings.js";
import { alignWords } from "./words.js";

const SETTINGS = { P2P_EncodePromptPair: chainSettings, P2P_Edit: textSettings };
const NAME = "p2p_alignment";
const HEIGHT = 74;
const MOST_TARGETS = 4;

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

async function refresh(node) {
  const there = shown.get(node);
  if (!there) return;
  const prompts = promptsOf(node);
  const settings = SETTINGS[node.comfyClass]?.open(node) ? SETTINGS[node.comfyClass] : null;
  const key = JSON.stringify([prompts, Boolean(settings)]);
  if (there.key === key) return markAnew(node, there, settings);
  there.key = key;
  const targets = prompts ? await ask(prompts) : [];
  if (there.key !== key) return;
  there.mark = drawChips(there.element, node, targets.map(wordsOf), settings);
  markAnew(node, there, settings);
}

/** Show what is set, and whose maps there are, where it is not what is shown. */
function markAnew(node, there, settings) {
  const said = JSON.stringify([settings?.read(node) ?? [], mapsBehind(node)]);
  if (there.said === said) return;
  there.said = said;
  there.mark?.();
}

function add(node) {
  const element = document.createElement("div");
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", "Alignment of the prompts");
  element.style.cssText =
    "box-sizing: border-box; width: 100%; height: 100%; overflow: auto; padding: 3px 4px; border-radius: 6px; " +
    "background: var(--comfy-input-bg, #222); color: var(--input-text, #ddd); font: 12px/1.6 sans-serif;";
  if (!showOn(node, NAME, element, HEIGHT)) return;
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
        succeed(node, shown.get(node).element);
        refresh(node);
      }
    }, 400);
  },
});
