// What the pack says of a run, where one looks: in a toast, and on the node until the next run.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { allNodes, nodeOf, showOn, takeOff } from "./nodes.js";

const NAME = "p2p_remark";
const SECONDS = 20;
const LOOK =
  "box-sizing: border-box; width: 100%; height: 100%; overflow: auto; padding: 6px 8px; border-radius: 6px; " +
  "border-left: 3px solid #d9a400; background: var(--comfy-input-bg, #222); color: var(--input-text, #ddd); " +
  "font: 12px/1.4 sans-serif; white-space: pre-wrap; user-select: text;";

const before = new WeakMap(); // the sizes of nodes before they had a remark

function toast(severity, summary, detail) {
  const message = { severity, summary, detail, life: SECONDS * 1000 };
  app.extensionManager?.toast?.add?.(message);
}

function height(text, width) {
  const letters = Math.max(24, width / 6.2);
  return 18 + 17 * text.split("\n").reduce((lines, line) => lines + Math.max(1, Math.ceil(line.length / letters)), 0);
}

function write(node, text) {
  const there = node.widgets?.find((widget) => widget.name === NAME);
  const lines = [...new Set([...(there ? there.element.textContent.split("\n") : []), text])].join("\n");
  if (there) takeOff(node, there);
  else before.set(node, [...node.size]);
  const element = document.createElement("div");
  element.setAttribute("role", "status");
  element.setAttribute("aria-label", `Remark on ${node.title}`);
  element.style.cssText = LOOK;
  element.textContent = lines;
  const tall = Math.min(220, height(lines, node.size[0]));
  showOn(node, NAME, element, tall);
  node.setSize([node.size[0], Math.max(node.size[1], before.get(node)[1] + tall + 8)]);
  node.setDirtyCanvas(true, true);
}

function clear(node) {
  const there = node.widgets?.find((widget) => widget.name === NAME);
  if (!there) return;
  takeOff(node, there);
  if (before.has(node)) node.setSize(before.get(node));
  node.setDirtyCanvas(true, true);
}

function onRemark({ detail }) {
  if (detail.level === "info") return;
  const node = nodeOf(detail.node);
  toast("warn", node?.title ?? "Prompt-to-Prompt", detail.text);
  if (node) write(node, detail.text);
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
    api.addEventListener("execution_start", () => allNodes().forEach(clear));
  },
});
