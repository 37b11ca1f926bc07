// What the pack says of a run, where one looks: in a toast, and on the node until the next run.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { allNodes, nodeOf, showOn, succeed, takeOff } from "./nodes.js";
import { text } from "./text.js";
import { toast } from "./toast.js";

const NAME = "p2p_remark";
const LOOK =
  "box-sizing: border-box; width: 100%; height: 100%; overflow: auto; padding: 6px 8px; border-radius: 6px; " +
  "border-left: 3px solid #d9a400; background: var(--comfy-input-bg, #222); color: var(--input-text, #ddd); " +
  "font: 12px/1.4 sans-serif; white-space: pre-wrap; user-select: text;";

const ROUNDING = 24; // pixels by which a renderer's own measure of a node with a remark may differ from ours
const EVERY = 400; // milliseconds

const said = new Map(); // the texts of the last run by node, whatever becomes of the node
const before = new WeakMap(); // a node without its remark: its size, and by how much the remark made it taller

/** What tells a node of a number from those of other workflows. */
function keyOf(number) {
  const workflow = app.extensionManager?.workflow?.activeWorkflow?.path ?? "";
  return JSON.stringify([workflow, (app.rootGraph ?? app.graph)?.id ?? "", String(number)]);
}

const remarkOf = (node) => node.widgets?.find((widget) => widget.name === NAME);

function heightOf(lines, width) {
  const letters = Math.max(24, width / 6.2);
  return 18 + 17 * lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / letters)), 0);
}

/** The size that a node would have without its remark; what was dragged since is kept. */
function sizeWithout(node) {
  const { height, grown } = before.get(node);
  const now = node.size[1] - grown;
  return [node.size[0], Math.abs(now - height) < ROUNDING ? height : now];
}

/** Keep the remark's height out of the workflow's file, and out of the steps of undo. */
function keepOutOfFiles(node) {
  const serialized = node.onSerialize;
  node.onSerialize = function (data, ...more) {
    serialized?.call(this, data, ...more);
    if (remarkOf(this)) data.size = sizeWithout(this);
  };
}

function write(node, lines) {
  const there = remarkOf(node);
  if (there) {
    takeOff(node, there);
    node.setSize(sizeWithout(node));
  } else if (!before.has(node)) keepOutOfFiles(node);
  const height = node.size[1];
  const element = document.createElement("div");
  element.setAttribute("role", "status");
  element.setAttribute("aria-label", text("remark.label", { node: node.title }));
  element.style.cssText = LOOK;
  element.textContent = lines.join("\n");
  const tall = Math.min(220, heightOf(lines, node.size[0]));
  before.set(node, { height, grown: tall + 8 });
  showOn(node, NAME, element, tall);
  node.setSize([node.size[0], height + tall + 8]);
  node.setDirtyCanvas(true, true);
}

function clear(node) {
  const there = remarkOf(node);
  if (!there) return;
  const size = sizeWithout(node);
  takeOff(node, there);
  node.setSize(size);
  node.setDirtyCanvas(true, true);
}

/** After an undo, or when one comes back to a workflow, every node is a new one: show again what was said of it. */
function showAgain() {
  for (const [key, { number, lines }] of said) {
    const node = key === keyOf(number) ? nodeOf(number) : null;
    if (!node) continue;
    if (!remarkOf(node)) write(node, lines);
    succeed(node, remarkOf(node).element, NAME);
  }
}

function onRemark({ detail }) {
  if (detail.level === "info") return;
  const node = nodeOf(detail.node);
  toast("warn", node?.title ?? "Prompt-to-Prompt", detail.text);
  if (!node) return;
  const key = keyOf(detail.node);
  const lines = [...new Set([...(said.get(key)?.lines ?? []), ...detail.text.split("\n")])];
  said.set(key, { number: detail.node, lines });
  write(node, lines);
}

function onError({ detail }) {
  const message = (detail.exception_message ?? "").trim();
  const ours = detail.node_type?.startsWith("P2P_") || message.startsWith("P2P ");
  if (ours) toast("error", nodeOf(detail.node_id)?.title ?? detail.node_type, message);
}

app.registerExtension({
  name: "prompttoprompt.remarks",
  setup() {
    api.addEventListener("p2p.remark", onRemark);
    api.addEventListener("execution_error", onError);
    api.addEventListener("execution_start", () => {
      said.clear();
      allNodes().forEach(clear);
    });
    setInterval(showAgain, EVERY);
  },
});
