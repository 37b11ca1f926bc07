// P2P Edit turned into the chain of single nodes that does the same. Which nodes with which values, the server tells
// (nodes/unfold.py); here they are made, and get the links that P2P Edit had.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { appModeWithout, readAppModeAnew } from "./app_mode.js";
import { placeBelow, slotOf } from "./chain.js";
import { asOneStep, setWidget } from "./gesture.js";
import { linkOf, ownWidget } from "./nodes.js";
import { promptsOf } from "./prompts.js";
import { text } from "./text.js";
import { toast } from "./toast.js";

const KIND = "P2P_Edit";
const COMMAND = "PromptToPrompt.UnfoldEdit";
const label = () => text("unfold.label");

/** What of a node made for a line of words is worth showing where the words themselves are shown. */
const OF_WORDS = { P2P_WordSwap: "word_windows", P2P_Reweight: "strength", P2P_LocalBlend: "words" };

/** The chain for a node, {nodes, outputs}; throws an Error with the reason where there is none. */
async function ask(node) {
  const words = ownWidget(node, "words");
  if (!words) throw new Error(text("unfold.linked"));
  const { source, targets } = promptsOf(node) ?? { source: null, targets: [null] };
  const body = JSON.stringify({ words: words.value, source, target: targets[0] });
  const headers = { "Content-Type": "application/json" };
  const reply = await api.fetchApi("/p2p/unfold", { method: "POST", headers, body });
  const told = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Error(told.error ?? text("unfold.status", { status: reply.status }));
  return told;
}

/** Give a widget a value as it is: what is called back may round it to the widget's steps. */
function setExactly(widget, value) {
  setWidget(widget, value);
  if (widget.value !== value) widget.value = value;
}

/** Let an input have what another node's input has: its link, or its widget's value. */
function takeOver(from, name, node, own) {
  const { graph } = from;
  const link = linkOf(graph, from.inputs?.[slotOf(from.inputs, name)]?.link);
  const slot = slotOf(node.inputs, own);
  if (link && link.origin_id === graph.inputNode?.id) graph.inputs[link.origin_slot].connect(node.inputs[slot], node);
  else if (link) graph.getNodeById(link.origin_id).connect(link.origin_slot, node, slot, link.parentId);
  const value = from.widgets?.find((widget) => widget.name === name)?.value;
  const widget = node.widgets?.find((one) => one.name === own);
  if (widget && value !== undefined) setExactly(widget, value);
}

/** Let all that an output goes to come from another node's output. */
function handOver(from, name, node, slot) {
  const { graph } = from;
  const links = [...(from.outputs[slotOf(from.outputs, name)]?.links ?? [])].map((number) => linkOf(graph, number));
  for (const link of links) {
    if (link.target_id === graph.outputNode?.id) graph.outputs[link.target_slot].connect(node.outputs[slot], node);
    else node.connect(slot, graph.getNodeById(link.target_id), link.target_slot, link.parentId);
  }
}

/** Which [node, widget] come for each of the former node's inputs. */
function heirsOf(nodes, made) {
  const heirs = { words: [] };
  for (const [key, { class_type: kind, inputs }] of Object.entries(nodes)) {
    for (const [own, value] of Object.entries(inputs)) if (value?.input) (heirs[value.input] ??= []).push([made[key], own]);
    if (!["", undefined].includes(inputs[OF_WORDS[kind]])) heirs.words.push([made[key], OF_WORDS[kind]]);
  }
  return heirs;
}

function replace(node, { nodes, outputs }, handOnAppMode) {
  const { graph } = node;
  const made = {};
  for (const [key, told] of Object.entries(nodes)) {
    const added = (made[key] = window.LiteGraph.createNode(told.class_type));
    graph.add(added);
    added.mode = node.mode;
    added.setSize([added.size[0], Math.max(added.size[1], added.computeSize()[1])]); // now, before the next is put below
    for (const [name, value] of Object.entries(told.inputs)) {
      if (value?.input) takeOver(node, value.input, added, name);
      else if (value?.node) {
        const from = made[value.node];
        from.connect(slotOf(from.outputs, value.output), added, slotOf(added.inputs, name));
      } else setExactly(added.widgets.find((widget) => widget.name === name), value);
    }
  }
  for (const [name, from] of Object.entries(outputs)) {
    const origin = made[from.node];
    handOver(node, name, origin, slotOf(origin.outputs, from.output));
  }
  graph.remove(node);
  handOnAppMode?.(heirsOf(nodes, made));
  const [first, ...others] = Object.values(made);
  first.pos = [...node.pos];
  let above = first;
  for (const added of others) {
    placeBelow(added, above);
    above = added;
  }
  return Object.values(made);
}

/** Turn a node into single nodes, or say why not and leave it. */
async function unfold(node) {
  try {
    const chain = await ask(node);
    if (node.graph?.getNodeById(node.id) !== node) return; // it went away meanwhile
    const handOnAppMode = appModeWithout(node);
    let made = [];
    asOneStep(() => (made = replace(node, chain, handOnAppMode)));
    if (handOnAppMode) await readAppModeAnew();
    app.canvas?.selectItems?.(made.map(({ id }) => app.canvas.graph.getNodeById(id)).filter(Boolean));
  } catch (error) {
    toast("warn", text("unfold.stays", { node: node.title }), error.message);
  }
}

async function unfoldSelected() {
  const selected = Object.values(app.canvas?.selected_nodes ?? {}).filter((node) => node.comfyClass === KIND);
  if (!selected.length) toast("info", label(), text("unfold.no_node"));
  for (const { id } of selected) {
    const node = app.canvas.graph.getNodeById(id); // it may be another object than before
    if (node?.comfyClass === KIND) await unfold(node);
  }
}

app.registerExtension({
  name: "prompttoprompt.unfold",
  commands: [{ id: COMMAND, label, icon: "pi pi-sitemap", function: unfoldSelected }],
  getNodeMenuItems: (node) => (node.comfyClass === KIND ? [{ content: label(), callback: () => void unfold(node) }] : []),
  getSelectionToolboxCommands: (item) => (item.comfyClass === KIND ? [COMMAND] : []),
});
