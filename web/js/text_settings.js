// What is set of words in a text of lines on the node itself, as P2P Edit has it.

import { isAbout, settable } from "./aligned.js";
import { setWidget } from "./gesture.js";
import { readLines, setLine } from "./lines.js";
import { ownWidget } from "./nodes.js";

export const textSettings = {
  /** What can be set of a word. */
  kinds: (node, word) => settable(word, ["strength", "window", "blend"]),
  /** Whether anything can be set: a text that comes by a link is another node's. */
  open: (node) => Boolean(ownWidget(node, "words")),
  read: (node) => readLines(ownWidget(node, "words")?.value ?? ""),
  write(node, word, kind, names, value) {
    const widget = ownWidget(node, "words");
    setWidget(widget, setLine(widget.value, kind, (name) => isAbout(name, word, kind), names, value));
  },
};
