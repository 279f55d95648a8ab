import { ask, readOnly } from "../api.js";
import { keeping, size } from "../bytes.js";
import { button, changes, confirm, entered, textField } from "../change.js";
import { address, badge, el, facts, fill, field, link, name, number, pager, plural, select, table } from "../dom.js";
import { configTable, topicConfigButtons } from "./configs.js";

export async function topic(page, parameters) {
  const topic = parameters.get("name") ?? "";
  const at = Number(parameters.get("page") ?? 0);
  page.title(name(topic), link("topics", {}, "Topics"));
  document.title = `${topic} – Alluvium`;
  // Configs hardly change: they are asked for once, beside the partitions.
  const configs = el("div", null, el("p", { class: "waiting" }, "Loading…"));
  const state = { name: topic, found: null, movable: null };
  const load = async () => {
    state.found = await ask("topic", { name: topic, page: at }, page.signal);
    return { ...state.found, movable: state.movable !== null };
  };
  showConfigs(page, topic, configs);
  page.frame(changes(page, () => topicButtons(page, state)).then((buttons) => [
    el("p", null, link("messages", { topic }, "Read its records")), buttons]));
  whereTo(page, state);
  await page.keep(3, load, (found) => render(page, found, configs, state));
}

async function showConfigs(page, topic, place) {
  try {
    const [found, reason] = await Promise.all([ask("configs", { topic }, page.signal), readOnly(page.signal)]);
    const again = () => showConfigs(page, topic, place);
    const change = reason === null ? (config) => topicConfigButtons(page, topic, config, again) : null;
    const open = place.querySelector("details")?.open ?? false;
    fill(place, configTable(found.configs, change));
    place.querySelector("details").open = open;
  } catch (error) {
    if (!page.signal.aborted) fill(place, page.problem(error));
  }
}

/** The brokers that partitions can be sent to, where there is a choice. */
async function whereTo(page, state) {
  const [found, reason] = await Promise.all([ask("overview", {}, page.signal), readOnly(page.signal)]).catch(() => [null, ""]);
  if (reason !== null) return;
  const brokers = found.brokers.filter((broker) => !broker.fenced && !broker.draining);
  if (brokers.length < 2) return;
  state.movable = brokers;
  page.refresh();
}

function topicButtons(page, state) {
  const known = (act) => () => { if (state.found) act(state.found); };
  return [
    button("Add partitions…", known((found) => confirm({
      page, done: () => page.refresh(), deed: "add-partitions", action: "Add",
      title: "Add partitions",
      text: [
        el("p", null, "Topic ", el("strong", null, name(found.name)), ` has ${plural(found.partition_count, "partition", "partitions")}.`),
        el("p", { class: "quiet" }, "Records stay where they are. Keys that went to one partition may go to another from now on, and no partition can be taken away again."),
      ],
      fields: textField("total", "Partitions in all", { type: "number", min: found.partition_count + 1, value: found.partition_count + 1, required: true }),
      what: () => ({ name: found.name, total: Number(entered("total")) }),
    }))),
    button("Delete topic…", known((found) => confirm({
      page, done: () => page.go(address("topics", {})), deed: "delete-topic", action: "Delete the topic", danger: true,
      title: "Delete this topic",
      text: el("p", null, `All records of its ${plural(found.partition_count, "partition", "partitions")} are deleted for good.`),
      typed: found.name,
      what: () => ({ name: found.name }),
    })), "danger"),
  ];
}

function move(page, found, partition, brokers) {
  const others = brokers.filter((broker) => broker.id !== partition.leader);
  confirm({
    page, done: () => page.refresh(), deed: "move-partition", action: "Move",
    title: `Move partition ${partition.index}`,
    text: el("p", null, "Of topic ", el("strong", null, name(found.name)), `, led by ${partition.leader === null ? "no broker" : `broker ${partition.leader}`} now. Clients go on; brokers may move it again when they balance.`),
    fields: field("To", select("to", others.map((broker) => [broker.id, `Broker ${broker.id}${broker.rack === null ? "" : ` in ${broker.rack}`}`]), String(others[0].id))),
    what: () => ({ topic: found.name, partition: partition.index, broker: Number(entered("to")) }),
  });
}

function render(page, found, configs, state) {
  const problem = found.partitions.some((partition) => partition.problem);
  const sized = found.partitions.some((partition) => partition.bytes !== null);
  return [
    facts([
      ["Partitions", number(found.partition_count)],
      found.bytes === null ? null : ["Stored", size(Number(found.bytes))],
      found.bytes === null ? null : ["To keep it a month", el("span", { title: "At S3 Standard's $0.023 a GB; requests are not in it" }, keeping(found.bytes))],
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
      sized ? { title: "Stored", kind: "number", cell: (partition) => partition.bytes === null ? "–" : size(Number(partition.bytes)) } : null,
      problem ? { title: "Problem", cell: (partition) => partition.problem ?? "" } : null,
      state.movable && !found.internal ? { title: "Change", kind: "nowrap", cell: (partition) => el("button", {
        type: "button", class: "link", "data-key": `move ${partition.index}`, "aria-label": `Move partition ${partition.index}`,
        onclick: () => move(page, found, partition, state.movable),
      }, "Move") } : null,
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
