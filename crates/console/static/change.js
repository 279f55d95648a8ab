// Changes: each is asked for in a dialog that names what will happen, and done once only.

import { Failed, perform, readOnly } from "./api.js";
import { el, field, fill, name, notice, say } from "./dom.js";

/** Buttons for what can be changed on a page, or why nothing can. `buttons` are made only where something can. */
export async function changes(page, buttons) {
  const reason = await readOnly(page.signal);
  if (reason !== null) return el("p", { class: "quiet" }, `Nothing can be changed here: ${reason}.`);
  return el("div", { class: "actions" }, buttons());
}

export function button(text, act, kind) {
  return el("button", { type: "button", class: kind, "data-key": text, onclick: act }, text);
}

/**
 * Asks, and does it. `fields` are inputs; `what()` says what is to be sent, and throws a text when that makes no sense. Where `typed` is given,
 * it has to be typed. `done()` is called once the broker has done it.
 */
export function confirm({ page, title, text, fields, action, danger, typed, deed, what, done }) {
  const problem = el("div", { role: "alert" });
  const cancel = el("button", { type: "button", autofocus: !fields && typed === undefined, onclick: () => dialog.close() }, "Cancel");
  const go = el("button", { class: danger ? "danger" : "primary", disabled: typed !== undefined }, action);
  const repeat = typed === undefined ? null : el("input", {
    id: "typed", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
    oninput: (event) => { go.disabled = event.target.value !== typed; },
  });
  const form = el("form", { onsubmit: submit },
    el("h2", { id: "asked" }, title),
    text ? el("div", null, text) : null,
    fields ?? null,
    repeat ? el("div", { class: "field" }, el("label", { for: "typed" }, "Type ", el("strong", null, name(typed)), " to confirm"), repeat) : null,
    problem,
    el("div", { class: "actions" }, go, cancel));
  const dialog = show(page, form);

  async function submit(event) {
    event.preventDefault();
    if (go.disabled) return;
    fill(problem);
    go.disabled = true;
    try {
      await perform(deed, what());
    } catch (error) {
      const known = error instanceof Failed || typeof error === "string";
      if (!known) console.error(error);
      fill(problem, notice("bad", typeof error === "string" ? error : known ? error.message : "Something in this page went wrong."));
      go.disabled = false;
      return;
    }
    dialog.close();
    say(`Done: ${title}`);
    done();
  }
}

/** A dialog over the page, which goes with it. */
function show(page, content) {
  const dialog = el("dialog", { "aria-labelledby": "asked" }, content);
  const gone = () => dialog.close();
  dialog.addEventListener("close", () => {
    page.signal.removeEventListener("abort", gone);
    dialog.remove();
  });
  page.signal.addEventListener("abort", gone);
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export function textField(id, label, attributes) {
  return field(label, el("input", { id, autocomplete: "off", autocapitalize: "off", spellcheck: "false", ...attributes }));
}

/** What is in a field of the open dialog. */
export function entered(id) {
  return document.getElementById(id).value;
}
