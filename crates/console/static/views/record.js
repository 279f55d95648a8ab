import { ask, bytesOf } from "../api.js";
import { hex, pretty, raw, size } from "../bytes.js";
import { badge, el, facts, fill, link, name, number, say, select, time, visible, visibleLines } from "../dom.js";

const FORMATS = [["auto", "As it is"], ["text", "Text"], ["json", "JSON"], ["hex", "Hex"]];
const HEX_BYTES = 64 << 10;

export async function record(page, parameters) {
  const place = Object.fromEntries(["topic", "partition", "offset"].map((key) => [key, parameters.get(key) ?? ""]));
  page.title(`Record ${place.offset}`, [
    link("topics", {}, "Topics"), " / ", link("topic", { name: place.topic }, name(place.topic)), " / ",
    link("messages", { topic: place.topic, partition: place.partition, from: `offset:${place.offset}` }, `partition ${place.partition}`)]);
  const found = await ask("record", place, page.signal);
  page.show(recordDetail(place.topic, found, page.signal));
}

/** All there is of a record. */
export function recordDetail(topic, found, signal) {
  const place = { topic, partition: found.partition, offset: found.offset };
  return [
    facts([
      ["Partition", number(found.partition)],
      ["Offset", number(found.offset)],
      [found.append_time ? "Time (broker's)" : "Time (producer's)", time(found.timestamp)],
      found.transactional ? ["Transaction", "part of one; aborted ones are shown, too"] : null,
    ]),
    partDetail("Key", found.key, { ...place, part: "key" }, signal),
    partDetail("Value", found.value, { ...place, part: "value" }, signal),
    headers(found),
  ];
}

function partDetail(title, part, place, signal) {
  if (part === null) {
    const meaning = title === "Value" ? " (a tombstone, where the topic is compacted)" : "";
    return el("section", { class: "part" }, el("header", null, el("h2", null, title), el("span", { class: "null" }, `null${meaning}`)));
  }
  const content = el("div");
  const format = select(`format-${title}-${place.partition}-${place.offset}`, FORMATS, "auto");
  format.setAttribute("aria-label", `Show the ${title.toLowerCase()} as`);
  const show = () => fill(content, shownAs(title, part, format.value));
  format.addEventListener("change", show);
  show();
  const whole = async () => {
    try {
      download(await bytesOf(place, signal), `${place.topic}-${place.partition}-${place.offset}-${place.part}.bin`);
      say("Saved");
    } catch (error) {
      if (!signal.aborted) fill(content, el("p", { class: "notice bad" }, error.message), shownAs(title, part, format.value));
    }
  };
  return el("section", { class: "part" },
    el("header", null,
      el("h2", null, title),
      el("span", { class: "quiet" }, size(part.bytes), part.cut ? `, the first ${size(raw(part).length)} are shown` : ""),
      part.schema === undefined ? null : badge("plain", schemaLink(part.schema)),
      format,
      el("button", { type: "button", onclick: whole }, "Save")),
    content);
}

export function schemaLink(id) {
  return link("schemas", { id }, `schema ${id}`);
}

function shownAs(title, part, format) {
  const box = (text, kind) => el("pre", { class: `content ${kind ?? ""}`, tabindex: "0", role: "region", "aria-label": title }, text);
  const json = part.json ?? part.text;
  const broken = json === undefined ? null : pretty(json);
  if (format === "hex" || (format !== "json" && part.text === undefined && !(format === "auto" && part.json !== undefined))) {
    const bytes = raw(part);
    const more = bytes.length > HEX_BYTES ? `\n… ${size(bytes.length - HEX_BYTES)} more` : "";
    const why = format === "text" ? el("p", { class: "quiet" }, "It is no UTF-8.") : null;
    return [why, box(hex(bytes.subarray(0, HEX_BYTES)) + more, "hex")];
  }
  if (format === "json" && broken === null) {
    const why = part.cut ? "It is too long to be shown as JSON whole." : "It is no JSON.";
    return [el("p", { class: "quiet" }, why), json === undefined ? null : box(visibleLines(json))];
  }
  if (format === "text") return box(visibleLines(part.text));
  return box(visibleLines(broken ?? json) || "(no bytes)");
}

function download(blob, file) {
  const address = URL.createObjectURL(blob);
  const anchor = el("a", { href: address, download: file });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function headers(found) {
  if (found.headers.length === 0) return el("p", { class: "quiet" }, "No headers.");
  return el("section", { class: "part" },
    el("h2", null, "Headers"),
    found.headers.map((header) => el("div", { class: "mono data" }, el("strong", null, short(header.key)), ": ", short(header.value))),
    found.headers_left_out > 0 ? el("p", { class: "quiet" }, `${number(found.headers_left_out)} more`) : null);
}

/** A part in a line. */
export function short(part) {
  if (part === null) return el("span", { class: "null" }, "null");
  if (part.bytes === 0) return el("span", { class: "null" }, "empty");
  const more = part.cut ? [" ", el("span", { class: "quiet" }, `… ${size(part.bytes)}`)] : null;
  if (part.json !== undefined) return [el("bdi", null, visible(part.json)), more];
  if (part.text !== undefined) return [el("bdi", null, visible(part.text)), more];
  const bytes = raw(part).subarray(0, 48);
  const codes = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return [el("span", null, codes), " ", el("span", { class: "quiet" }, `${part.bytes > 48 ? "… " : ""}${size(part.bytes)}, binary`)];
}
