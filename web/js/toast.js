// What the pack says in a corner of the editor, for a while.

import { app } from "../../../scripts/app.js";

const SECONDS = 20;

export function toast(severity, summary, detail) {
  const message = { severity, summary, detail, life: SECONDS * 1000 };
  app.extensionManager?.toast?.add?.(message);
}
