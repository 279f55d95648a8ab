import { ask } from "../api.js";
import { address, badge, el, facts, fill, link, name, number, pager, table } from "../dom.js";
import { configTable } from "./broker.js";

export async function topic(page, parameters) {
  const topic = parameters.get("name") ?? "";
  const at = Number(parameters.get("page") ?? 0);
  page.title(name(topic), link("topics", {}, "Topics"));
  document.title = `${topic} – Alluvium`;
  // Configs hardly change: they are asked for once, beside the partitions.
  const configs = el("div", null, el("p", { class: "waiting" }, "Loading…"));
  ask("configs", { topic }, page.signal).then(
    (found) => fill(configs, configTable(found.configs)),
    (error) => { if (!page.signal.aborted) fill(configs, page.problem(error)); });
  await page.keep(3, () => ask("topic", { name: topic, page: at }, page.signal), (found) => render(found, configs));
}

function render(found, configs) {
  const problem = found.partitions.some((partition) => partition.problem);
  return [
    el("p", null, link("messages", { topic: found.name }, "Read its records")),
    facts([
      ["Partitions", number(found.partition_count)],
      ["Replication factor", `${found.replication_factor} (asked for)`],
      ["Made by", found.internal ? "brokers" : "clients"],
      ["Id", name(found.id), "long"],
    ]),
    el("h2", null, "Partitions"),
    table("Partitions", [
      { title: "Partition", kind: "number", cell: (partition) => link("messages", { topic: found.name, partition: partition.index }, number(partition.index)) },
      { title: "Leader", cell: leader },
      { title: "Epoch", kind: "number", cell: (partition) => String(partition.leader_epoch) },
      { title: "Durability", cell: (partition) => partition.durability ?? "–" },
      { title: "Log start", kind: "number", cell: (partition) => number(partition.log_start) },
      { title: "High watermark", kind: "number", cell: (partition) => number(partition.high_watermark) },
      { title: "Offsets", kind: "number", cell: (partition) => number(partition.offsets) },
      problem ? { title: "Problem", cell: (partition) => partition.problem ?? "" } : null,
    ].filter(Boolean), found.partitions, "None."),
    pager("partitions", found.page, found.pages, (to) => address("topic", { name: found.name, page: to || "" })),
    el("h2", null, "Configs"),
    configs,
  ];
}

function leader(partition) {
  const now = partition.leader === null
    ? badge("bad", partition.offline ? "none: waits for a disk" : "none")
    : link("broker", { id: partition.leader }, `Broker ${partition.leader}`);
  return partition.moving_to === null ? now : [now, " ", badge("note", `to broker ${partition.moving_to}`)];
}
