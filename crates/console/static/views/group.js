import { ask, commitsOf, readOnly, verdict } from "../api.js";
import { button, changes, confirm } from "../change.js";
import { address, badge, el, facts, link, name, notice, number, plural, table } from "../dom.js";
import { lagOverTime, plot } from "./plot.js";
import { stateBadge } from "./groups.js";
import { seekForm } from "./seek.js";

const SECONDS = 3;

export async function group(page, parameters) {
  const id = parameters.get("id") ?? "";
  page.title(name(id), link("groups", {}, "Groups"));
  document.title = `${id} – Alluvium`;
  const overview = await ask("overview", {}, page.signal);
  const history = { before: null, seen: [] };
  let framed = false;
  const load = async () => {
    const [found, judged] = await Promise.all([
      ask("group", { id }, page.signal),
      overview.lag_cluster === null ? null : verdict(overview.lag_cluster, id, page.signal),
    ]);
    if (!framed) {
      framed = true;
      const topics = [...new Set(found.partitions.map((partition) => partition.topic))];
      page.frame(changes(page, () => groupButtons(page, id)), reset(page, id, topics));
    }
    if (history.before === null) {
      const commits = overview.lag_cluster === null ? null : await commitsOf(overview.lag_cluster, id, page.signal);
      history.before = commits === null ? [] : lagOverTime(commits);
    }
    history.seen.push({ at: Date.now(), lag: Number(found.lag) });
    // The plot goes on although nothing else changed.
    return { found, judged, looked: history.seen.length };
  };
  await page.keep(SECONDS, load, ({ found, judged }) => render(found, judged, overview.lag_cluster !== null, history));
}

function groupButtons(page, id) {
  return button("Delete group…", () => confirm({
    page, done: () => page.go(address("groups", {})), deed: "delete-group", action: "Delete the group", danger: true,
    title: "Delete this group",
    text: el("p", null, "Its offsets are forgotten: consumers that come back under its id begin where auto.offset.reset says. Nobody may be in it."),
    typed: id,
    what: () => ({ group: id }),
  }), "danger");
}

async function reset(page, id, topics) {
  if (await readOnly(page.signal) !== null) return null;
  return [
    el("h2", null, "Reset offsets"),
    el("p", { class: "quiet" }, "Where the group goes on, while nobody is in it. You see what it comes to before anything is changed."),
    seekForm(page, id, topics, () => page.refresh()),
  ];
}

// Burrow's words for groups and partitions.
const VERDICTS = {
  OK: ["good", "keeps up"],
  WARN: ["note", "falls behind"],
  ERR: ["bad", "has partitions that stand still"],
  STOP: ["bad", "commits no more"],
  STALL: ["bad", "commits the same offset again"],
  REWIND: ["note", "went back"],
  NOTFOUND: ["plain", "not judged yet"],
};

function verdictBadge(status) {
  const [kind, text] = VERDICTS[status] ?? ["plain", status];
  return badge(kind, text);
}

function render(found, judged, judges, history) {
  const verdicts = new Map();
  for (const partition of judged?.partitions ?? []) verdicts.set(`${partition.partition} ${partition.topic}`, partition.status);
  const problems = found.partitions.some((partition) => partition.problem);
  return [
    facts([
      ["State", stateBadge(found.state)],
      judges ? ["How it does", verdictBadge(judged?.status ?? "NOTFOUND")] : null,
      ["Lag", plural(found.lag, "record", "records")],
      ["Members", number(found.members.length)],
      ["Protocol", name([found.kind, found.assignor].filter(Boolean).join(", "))],
      ["Coordinator", link("broker", { id: found.coordinator }, `Broker ${found.coordinator}`)],
    ]),
    plot(history),
    el("h2", null, "Offsets"),
    found.partitions_left_out > 0 ? notice("note", `${number(found.partitions_left_out)} more partitions are not shown.`) : null,
    table("Offsets", [
      { title: "Topic", cell: (partition) => link("topic", { name: partition.topic }, name(partition.topic)) },
      { title: "Partition", kind: "number", cell: (partition) => number(partition.partition) },
      { title: "Committed", kind: "number", cell: (partition) => partition.committed === null ? "–" : link("messages",
        { topic: partition.topic, partition: partition.partition, from: `offset:${partition.committed}` }, number(partition.committed)) },
      { title: "End", kind: "number", cell: (partition) => number(partition.end) },
      { title: "Lag", kind: "number", cell: (partition) => number(partition.lag) },
      judges ? { title: "How it does", cell: (partition) => {
        const status = verdicts.get(`${partition.partition} ${partition.topic}`);
        return status ? verdictBadge(status) : "–";
      } } : null,
      { title: "Read by", cell: (partition) => partition.reader === null ? "–" : name(partition.reader) },
      problems ? { title: "Problem", cell: (partition) => partition.problem ?? "" } : null,
    ].filter(Boolean), found.partitions, "It has committed nothing."),
    el("h2", null, "Members"),
    table("Members", [
      { title: "Client", cell: (member) => name(member.client) },
      { title: "Host", cell: (member) => name(member.host) },
      { title: "Member", kind: "data", cell: (member) => [
        el("span", { class: "mono" }, name(member.id)),
        member.instance === null ? null : el("div", { class: "quiet" }, "instance ", name(member.instance)),
      ] },
      { title: "Partitions", cell: (member) => assigned(member.partitions) },
    ], found.members, "Nobody is in the group."),
  ];
}

function assigned(partitions) {
  if (partitions.length === 0) return "–";
  const topics = new Map();
  for (const [topic, partition] of partitions) topics.set(topic, [...topics.get(topic) ?? [], partition]);
  return [...topics].map(([topic, numbers]) => el("div", null, name(topic), `: ${numbers.sort((a, b) => a - b).join(", ")}`));
}
