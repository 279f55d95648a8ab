// Elements out of names and data. Data becomes text and attributes of text, never markup.

/** An element: attributes by name (`on…` listens), children as elements or text. */
export function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(typeof child === "object" ? child : String(child));
  }
  return element;
}

/** Puts new content into a place. Who was at a link or button there is at the same one afterwards. */
export function fill(place, ...children) {
  const active = document.activeElement;
  const key = place.contains(active) && active !== place ? keyOf(active) : null;
  place.replaceChildren();
  append(place, children);
  if (key === null) return;
  for (const candidate of place.querySelectorAll("a, button, input, select")) {
    if (keyOf(candidate) === key) return candidate.focus({ preventScroll: true });
  }
}

function keyOf(element) {
  return element.getAttribute("data-key") ?? element.getAttribute("href") ?? element.id ?? "";
}

/** Names, ids, whatever people chose: characters that can't be seen are shown, none changes the direction of what follows. */
export function name(text) {
  return el("bdi", null, visible(text) || el("span", { class: "null" }, "empty"));
}

const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

export function visible(text) {
  return String(text).replace(HIDDEN, shown);
}

/** The same for text of several lines. */
export function visibleLines(text) {
  return String(text).replace(HIDDEN, (character) => "\n\t".includes(character) ? character : shown(character));
}

function shown(character) {
  const code = character.codePointAt(0);
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? "\u2421" : `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

export function link(page, parameters, ...children) {
  return el("a", { href: address(page, parameters) }, ...children);
}

/** Where a page is: everything in the fragment, so that any name fits. */
export function address(page, parameters) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters ?? {})) {
    if (value !== null && value !== undefined && value !== "" && value !== false) query.set(key, value);
  }
  const text = query.toString();
  return text ? `#/${page}?${text}` : `#/${page}`;
}

/** A whole number, also one that is too large to be a number here. */
export function number(value) {
  if (value === null || value === undefined) return "–";
  return BigInt(value).toLocaleString("en-US");
}

export function plural(count, one, many) {
  return `${number(count)} ${Number(count) === 1 ? one : many}`;
}

export function time(milliseconds) {
  if (milliseconds < 0) return el("span", { class: "null" }, "no time");
  const date = new Date(milliseconds);
  if (Number.isNaN(date.getTime())) return String(milliseconds);
  const iso = date.toISOString();
  const two = (part) => String(part).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const text = `${day} ${clock}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  return el("time", { datetime: iso, title: iso, class: "nowrap" }, text);
}

export function badge(kind, ...children) {
  return el("span", { class: `badge ${kind}` }, ...children);
}

export function notice(kind, ...children) {
  return el("p", { class: `notice ${kind}` }, el("span", null, ...children));
}

export function facts(entries) {
  const shown = entries.filter((entry) => entry !== null);
  return el("dl", { class: "facts" }, shown.map(([term, detail, kind]) =>
    el("div", { class: kind === "long" ? "wide" : null }, el("dt", null, term), el("dd", { class: kind }, detail))));
}

/**
 * A table. Columns: `title`, `cell(row)`, and `kind`, a class. On a narrow screen each row becomes a card, so roles are said.
 */
export function table(label, columns, rows, empty, kind) {
  if (rows.length === 0) return el("div", { class: "table" }, el("div", { class: "empty" }, empty));
  const head = el("tr", { role: "row" }, columns.map((column) =>
    el("th", { scope: "col", role: "columnheader", class: column.kind }, column.title)));
  const body = el("tbody", { role: "rowgroup" }, rows.map((row) => tableRow(columns, row)));
  return el("div", { class: "table" },
    el("table", { role: "table", class: kind, "aria-label": label }, el("thead", { role: "rowgroup" }, head), body));
}

export function tableRow(columns, row) {
  return el("tr", { role: "row" }, columns.map((column) =>
    el("td", { role: "cell", class: column.kind, "data-label": column.title }, el("div", null, column.cell(row)))));
}

/** Links to the pages before and after; nothing when there is one only. */
export function pager(what, page, pages, at) {
  if (pages <= 1) return null;
  const to = (target, text) => target >= 0 && target < pages
    ? el("a", { href: at(target) }, text)
    : el("span", { class: "quiet" }, text);
  return el("nav", { class: "pager", "aria-label": `Pages of ${what}` },
    to(0, "First"), to(page - 1, "Previous"), el("span", null, `Page ${number(page + 1)} of ${number(pages)}`),
    to(page + 1, "Next"), to(pages - 1, "Last"));
}

export function field(label, input, kind) {
  return el("div", { class: kind ? `field ${kind}` : "field" }, el("label", { for: input.id }, label), input);
}

export function select(id, options, chosen) {
  const element = el("select", { id, name: id }, options.map(([value, text]) => el("option", { value }, text)));
  element.value = chosen;
  return element;
}

/** Says something to whoever does not see it. */
export function say(text) {
  document.getElementById("status").textContent = text;
}
