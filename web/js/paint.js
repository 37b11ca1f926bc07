// The mask of a Local Blend, painted in the editor's own MaskEditor over the source picture of the last run.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { placeBelow, slotOf } from "./chain.js";
import { asOneLongStep, setWidget } from "./gesture.js";
import { nodesBehind, originOf, outputKey, ownWidget } from "./nodes.js";
import { text } from "./text.js";
import { toast } from "./toast.js";

const KIND = "P2P_LocalBlend";
const LOADER = "LoadImage";
const COMMAND = "PromptToPrompt.PaintMask";
const MASK_EDITOR = "Comfy.MaskEditor.OpenMaskEditor";
const PAINTED = /clipspace-/; // what MaskEditor saves is called so
const OVER = "p2p_painted_over"; // the property that tells which picture was painted over
const MOST = 15000; // milliseconds for a picture to load

const label = () => text("paint.label");
const isPicture = (node) => ["SaveImage", "PreviewImage"].includes(node.comfyClass);

/** The source picture that the last run made behind a node, as the server names it; null where none is shown. */
function sourceBehind(node) {
  for (const one of nodesBehind(node).filter(isPicture)) {
    if (!originOf(one, "images")?.comfyClass?.startsWith("VAEDecode")) continue; // a sheet has the source among others
    const [source] = app.nodeOutputs?.[outputKey(one)]?.images ?? [];
    if (source) return source;
  }
  return null;
}

async function loaded(src) {
  const image = new Image();
  image.src = src;
  await image.decode();
  return image;
}

/** What tells a picture from others: its size and a checksum of its pixels, for the same picture gets many names. */
async function signOf({ filename, subfolder, type }) {
  const image = await loaded(api.apiURL(`/view?${new URLSearchParams({ filename, subfolder, type })}`));
  const [width, height] = [image.naturalWidth, image.naturalHeight];
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  let sum = 0x811c9dc5; // FNV-1a
  for (const value of context.getImageData(0, 0, width, height).data) sum = Math.imul(sum ^ value, 0x01000193);
  return `${width}x${height}:${(sum >>> 0).toString(16)}`;
}

/** The Load Image whose mask a node has, made where it has none. */
function loaderOf(node) {
  const there = originOf(node, "mask");
  if (there) return there;
  const made = window.LiteGraph.createNode(LOADER);
  node.graph.add(made);
  placeBelow(made, node);
  made.connect(slotOf(made.outputs, "MASK"), node, slotOf(node.inputs, "mask"));
  return made;
}

/** Put a picture into a Load Image, to be painted over; until now the mask may have been of words. */
function putIn(loader, { filename, subfolder, type }, sign, node) {
  const image = loader.widgets.find(({ name }) => name === "image");
  const first = !PAINTED.test(image.value);
  setWidget(image, `${subfolder ? `${subfolder}/` : ""}${filename} [${type}]`);
  loader.properties[OVER] = sign;
  const [use, words] = [ownWidget(node, "mask_use"), ownWidget(node, "words")];
  if (first && use && words && !words.value.trim()) setWidget(use, "mask only");
}

/** Wait until a node shows a picture, or for as long as one waits for that. */
async function shows(loader, filename) {
  const src = encodeURIComponent(filename);
  for (const end = Date.now() + MOST; Date.now() < end; await new Promise((done) => setTimeout(done, 50))) {
    if (loader.imgs?.some((image) => image.src.includes(src) && image.complete)) return;
  }
}

async function paint(node) {
  try {
    const there = originOf(node, "mask");
    const linked = node.inputs?.[slotOf(node.inputs, "mask")]?.link != null;
    if (linked && (there?.comfyClass !== LOADER || there.graph !== node.graph)) throw new Error(text("paint.other_mask"));
    const source = sourceBehind(node);
    if (!source) throw new Error(text("paint.no_picture"));
    const sign = await signOf(source);
    if (!node.graph) return; // it went away meanwhile
    let loader = there;
    const value = () => String(loader?.widgets.find(({ name }) => name === "image")?.value ?? "");
    if (!PAINTED.test(value()) || loader.properties[OVER] !== sign) {
      await asOneLongStep(() => {
        putIn((loader = loaderOf(node)), source, sign, node);
        return shows(loader, source.filename);
      });
    }
    app.canvas.selectItems([loader]);
    const { command } = app.extensionManager;
    if (!command.commands.some(({ id }) => id === MASK_EDITOR)) throw new Error(text("paint.by_hand"));
    await command.execute(MASK_EDITOR);
  } catch (error) {
    toast("info", label(), error.message);
  }
}

function paintSelected() {
  const selected = Object.values(app.canvas?.selected_nodes ?? {}).filter((node) => node.comfyClass === KIND);
  if (selected.length === 1) return paint(selected[0]);
  toast("info", label(), text("paint.no_node"));
}

app.registerExtension({
  name: "prompttoprompt.paint",
  commands: [{ id: COMMAND, label, icon: "pi pi-pencil", function: paintSelected }],
  getNodeMenuItems: (node) => (node.comfyClass === KIND ? [{ content: label(), callback: () => void paint(node) }] : []),
  getSelectionToolboxCommands: (item) => (item.comfyClass === KIND ? [COMMAND] : []),
});
