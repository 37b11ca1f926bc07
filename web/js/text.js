// What the pack says in the editor, in the editor's language. The host's own translations (locales/) reach nodes and
// commands only: an extension has no way to ask for one of them.

import { app } from "../../../scripts/app.js";
import en from "./texts/en.js";
import ja from "./texts/ja.js";
import ko from "./texts/ko.js";
import zh from "./texts/zh.js";

const LANGUAGES = { en, ja, ko, zh };

/** A text of texts/ by its key, with values for what it has in braces; English in a language that has none. */
export function text(key, values = {}) {
  const language = app.extensionManager?.setting?.get?.("Comfy.Locale");
  const found = LANGUAGES[language]?.[key] ?? en[key] ?? key;
  return found.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
