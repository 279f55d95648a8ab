import { ask } from "../api.js";
import { el, facts, link, name, plural, table } from "../dom.js";
import { configTable } from "./configs.js";

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
      line.arriving > 0 ? ["On their way to it", plural(line.arriving, "partition", "partitions")] : null,
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
