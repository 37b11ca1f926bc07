// What a gesture changes is one step of undo.

import { app } from "../../../scripts/app.js";

function begin() {
  app.canvas?.emitBeforeChange?.();
}

function end() {
  // the numbers of the order are kept with the nodes, and a click on a node changes them: the editor, which looks
  // for them at the next prompt or undo only, would make them a step of their own
  app.canvas?.graph?.updateExecutionOrder?.();
  app.canvas?.emitAfterChange?.();
  app.canvas?.setDirty?.(true, true);
}

/** Do something to the graph as one step of undo. */
export function asOneStep(change) {
  begin();
  try {
    change();
  } finally {
    end();
  }
}

/** The same for what takes a while, as a node's picture that loads and makes the node taller. */
export async function asOneLongStep(change) {
  begin();
  try {
    await change();
  } finally {
    end();
  }
}

/** Give a widget a value, as if it had been typed. */
export function setWidget(widget, value) {
  widget.value = value;
  widget.callback?.(value);
}
