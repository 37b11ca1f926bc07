// Lines such as "striped: strength 2", "car: 0.0 - 0.4" and "blend: car", read and written as
// p2p_attention/edits/lines.py reads them. What is not about the word in hand stays as it was typed.

import { splitNames } from "./naming.js";

const NUMBER = "(\\d+\\.?\\d*|\\.\\d+)";
const STRENGTH = /^(.+):\s*strength\s*([-+]?(?:\d+\.?\d*|\.\d+))$/i;
const BLEND = /^blend\s*(?::\s*(.*))?$/i;
const WINDOW = new RegExp(`^(.+):\\s*${NUMBER}\\s*(?:-|–|—|…|\\.{2,3}|to)\\s*${NUMBER}$`);

const short = (number) => String(Math.round(number * 100) / 100);
const withPoint = (number) => short(number).replace(/^-?\d+$/, "$&.0");

/** A value as people read it: "×2", "0–0.4"; null where there is none but that it is set. */
export function badge(kind, value) {
  if (kind === "strength") return `×${short(value)}`;
  return kind === "window" ? value.map(short).join("–") : null;
}

/** What one line says, {kind, names, value}; null for a line of another form. */
function readLine(line) {
  let found = STRENGTH.exec(line);
  if (found) return { kind: "strength", names: splitNames(found[1]), value: Number(found[2]) };
  found = BLEND.exec(line);
  if (found) return { kind: "blend", names: splitNames(found[1] ?? ""), value: true };
  found = WINDOW.exec(line);
  return found && { kind: "window", names: splitNames(found[1]), value: [Number(found[2]), Number(found[3])] };
}

function writeLine(kind, names, value) {
  const words = names.join(", ");
  if (kind === "blend") return `blend: ${words}`;
  return `${words}: ${kind === "strength" ? `strength ${short(value)}` : value.map(withPoint).join(" - ")}`;
}

/** What every line says, in order. */
export function readLines(text) {
  return text.split(/[\n;]/).map((line) => readLine(line.trim())).filter(Boolean);
}

/**
 * The text with `value` for what `about(name)` holds of, under the given names if no line has one; null takes it away.
 *
 * A line about nothing else gets the value where it stands. Out of a line about other words too, the name is taken.
 */
export function setLine(text, kind, about, names, value) {
  const parts = text.split(/([\n;])/); // lines at even places, what parts them at odd ones
  let written = value === null;
  let own = names;
  const gone = new Set();
  for (let at = 0; at < parts.length; at += 2) {
    const line = parts[at].trim();
    const said = readLine(line);
    const left = said?.kind === kind ? said.names.filter((name) => !about(name)) : null;
    if (!left || left.length === said.names.length) continue;
    const replace = (by) => (parts[at] = parts[at].replace(line, () => by));
    if (left.length) {
      own = said.names.filter(about);
      replace(writeLine(kind, left, said.value));
    } else if (written) gone.add(at);
    else {
      replace(writeLine(kind, said.names, value));
      written = true;
    }
  }
  const kept = without(parts, gone);
  if (written) return kept;
  return `${kept}${kept && !kept.endsWith("\n") ? "\n" : ""}${writeLine(kind, own, value)}`;
}

/** The parts as text, without some lines and the mark behind each, or before it at the end. */
function without(parts, gone) {
  let text = "";
  for (let at = 0; at < parts.length; at += 2) if (!gone.has(at)) text += parts[at] + (parts[at + 1] ?? "");
  return gone.has(parts.length - 1) ? text.replace(/[\n;]$/, "") : text;
}
