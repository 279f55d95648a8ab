import { ask } from "../api.js";
import { pretty } from "../bytes.js";
import { el, facts, field, fill, link, name, number, plural, table, visibleLines } from "../dom.js";

const SHOWN = 500;

export async function schemas(page, parameters) {
  const subject = parameters.get("subject");
  if (subject !== null) return one(page, subject, parameters.get("version") ?? "latest");
  const id = parameters.get("id");
  if (id !== null) return byId(page, id);
  page.title("Schemas");
  const overview = await ask("overview", {}, page.signal);
  if (!overview.has_schemas) {
    return page.show(el("p", null, "This broker runs no schema registry. ", el("code", null, "--schema-registry-address"), " turns it on."));
  }
  const subjects = await ask("schemas/subjects", {}, page.signal);
  subjects.sort();
  const input = el("input", { id: "contains", type: "search", autocomplete: "off", spellcheck: "false" });
  const list = el("div");
  const show = () => {
    const wanted = input.value.toLowerCase();
    const matching = subjects.filter((text) => text.toLowerCase().includes(wanted));
    fill(list,
      el("p", { class: "quiet" }, plural(matching.length, "subject", "subjects"), matching.length > SHOWN ? `; the first ${SHOWN} are shown` : ""),
      table("Subjects", [
        { title: "Subject", cell: (text) => link("schemas", { subject: text }, name(text)) },
      ], matching.slice(0, SHOWN), input.value ? "No subject's name contains this." : "No schemas are registered yet."));
  };
  input.addEventListener("input", show);
  show();
  page.show(el("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() }, field("Name contains", input, "grow")), list);
}

async function one(page, subject, version) {
  page.title(name(subject), link("schemas", {}, "Schemas"));
  document.title = `${subject} – Alluvium`;
  const path = `schemas/subjects/${encodeURIComponent(subject)}/versions`;
  const [versions, schema] = await Promise.all([ask(path, {}, page.signal), ask(`${path}/${encodeURIComponent(version)}`, {}, page.signal)]);
  page.show(
    facts([["Id", number(schema.id)], ["Version", number(schema.version)], ["Type", name(schema.schemaType ?? "AVRO")]]),
    el("p", null, "Versions: ", versions.map((other) => [
      other === schema.version ? el("strong", null, String(other)) : link("schemas", { subject, version: other }, String(other)), " "])),
    references(schema),
    text(schema.schema));
}

async function byId(page, id) {
  page.title(`Schema ${id}`, link("schemas", {}, "Schemas"));
  const path = `schemas/schemas/ids/${encodeURIComponent(id)}`;
  const [schema, used] = await Promise.all([
    ask(path, {}, page.signal), ask(`${path}/versions`, {}, page.signal).catch(() => [])]);
  page.show(
    facts([["Id", name(id)], ["Type", name(schema.schemaType ?? "AVRO")]]),
    used.length === 0 ? null : el("p", null, "Subjects: ", used.map((it) => [
      link("schemas", { subject: it.subject, version: it.version }, name(it.subject), ` version ${it.version}`), " "])),
    references(schema),
    text(schema.schema));
}

function references(schema) {
  const references = schema.references ?? [];
  return references.length === 0 ? null : el("p", null, "Refers to: ", references.map((it) => [
    link("schemas", { subject: it.subject, version: it.version }, name(it.name)), " "]));
}

function text(schema) {
  return el("pre", { class: "content", tabindex: "0", role: "region", "aria-label": "Schema" }, visibleLines(pretty(schema) ?? schema));
}
