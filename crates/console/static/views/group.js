import { ask, verdict } from "../api.js";
import { badge, el, facts, link, name, notice, number, plural, table } from "../dom.js";
import { stateBadge } from "./groups.js";

const SECONDS = 3;
const POINTS = 200;

export async function group(page, parameters) {
  const id = parameters.get("id") ?? "";
  page.title(name(id), link("groups", {}, "Groups"));
  document.title = `${id} – Alluvium`;
  const overview = await ask("overview", {}, page.signal);
  const lags = [];
  const load = async () => {
    const [found, judged] = await Promise.all([
      ask("group", { id }, page.signal),
      overview.lag_cluster === null ? null : verdict(overview.lag_cluster, id, page.signal),
    ]);
    lags.push(Number(found.lag));
    if (lags.length > POINTS) lags.shift();
    // The plot goes on although nothing else changed.
    return { found, judged, looked: lags.length };
  };
  await page.keep(SECONDS, load, ({ found, judged }) => render(found, judged, overview.lag_cluster !== null, lags));
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

function render(found, judged, judges, lags) {
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
    plot(lags),
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

/** The lag while this page was open. */
function plot(lags) {
  const top = Math.max(...lags, 1);
  const wide = Math.max(lags.length, 20) - 1;
  const points = lags.map((lag, at) => `${(at / wide) * 600},${98 - (lag / top) * 92}`).join(" ");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("points", points);
  svg.setAttribute("viewBox", "0 0 600 100");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "plot");
  svg.setAttribute("role", "img");
  const seconds = (lags.length - 1) * SECONDS;
  const text = lags.length < 2
    ? "Lag while this page is open"
    : `Lag over the last ${seconds} seconds: from ${number(lags[0])} to ${number(lags[lags.length - 1])}, at most ${number(Math.max(...lags))}`;
  svg.setAttribute("aria-label", text);
  svg.append(line);
  return el("figure", null, svg, el("figcaption", { class: "quiet" }, text));
}
