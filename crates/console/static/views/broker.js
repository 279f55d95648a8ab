import { ask } from "../api.js";
import { badge, el, facts, link, name, number, plural, table } from "../dom.js";

export async function broker(page, parameters) {
  const id = parameters.get("id") ?? "";
  page.title(`Broker ${id}`, link("", {}, "Overview"));
  const found = await ask("overview", {}, page.signal);
  const line = found.brokers.find((candidate) => String(candidate.id) === id);
  if (!line) return page.show(el("p", null, "There is no such broker."));
  const head = [
    facts([
      ["State", line.fenced ? "not here" : line.draining ? "stopping" : "up"],
      ["Zone", line.rack === null ? "–" : name(line.rack)],
      ["Leads", plural(line.partitions, "partition", "partitions")],
      ["Controller", found.controller === line.id ? "yes" : "no"],
    ]),
    el("h2", null, "Listeners"),
    table("Listeners", [
      { title: "Name", cell: (listener) => name(listener.name) },
      { title: "Address", cell: (listener) => name(listener.address) },
    ], line.listeners, "None."),
    el("h2", null, "Configs"),
  ];
  if (line.fenced) return page.show(head, el("p", { class: "quiet" }, "Only the broker itself knows them."));
  page.show(head, el("p", { class: "waiting" }, "Loading…"));
  try {
    page.show(head, configTable((await ask("configs", { broker: id }, page.signal)).configs));
  } catch (error) {
    if (error.status === 401 || page.signal.aborted) throw error;
    page.show(head, page.problem(error));
  }
}

/** What somebody set comes first. */
export function configTable(configs) {
  const columns = [
    { title: "Key", cell: (config) => [
      el("span", { class: "mono" }, name(config.name)),
      config.documentation ? el("div", { class: "quiet" }, config.documentation) : null,
    ] },
    { title: "Value", kind: "data", cell: value },
    { title: "Source", kind: "nowrap", cell: (config) => config.source === "default" ? config.source : badge("plain", config.source) },
  ];
  const set = configs.filter((config) => config.source !== "default");
  const defaults = configs.filter((config) => config.source === "default");
  return [
    table("Configs that were set", columns, set, "Nothing was set: every config has its default."),
    el("details", null, el("summary", null, `${number(defaults.length)} defaults`), table("Configs with defaults", columns, defaults, "None.")),
  ];
}

function value(config) {
  if (config.sensitive) return el("span", { class: "null" }, "secret");
  if (config.value === null) return el("span", { class: "null" }, "unset");
  return el("span", { class: "mono" }, name(config.value));
}
