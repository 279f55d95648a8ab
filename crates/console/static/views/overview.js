import { ask, readiness } from "../api.js";
import { badge, el, facts, link, name, number, table } from "../dom.js";

export async function overview(page) {
  page.title("Overview");
  await page.keep(3, () => load(page.signal), render);
}

async function load(signal) {
  const [found, ready] = await Promise.all([ask("overview", {}, signal), readiness(signal).catch(() => null)]);
  return { ...found, ready };
}

const MARKS = { good: "✓", note: "•", bad: "!" };
const MEANINGS = { good: "Good: ", note: "Note: ", bad: "Problem: " };

function render(found) {
  const health = [...found.health];
  if (found.ready && !found.ready.ready) {
    health.unshift({ level: "bad", text: `Broker ${found.this_broker}, which serves this page, is not ready: ${found.ready.text}` });
  }
  return [
    el("ul", { class: "findings" }, health.map((finding) => el("li", { class: finding.level },
      el("span", { "aria-hidden": "true" }, MARKS[finding.level]),
      el("span", null, el("span", { class: "visually-hidden" }, MEANINGS[finding.level]), finding.text)))),
    facts([
      ["Brokers", number(found.brokers.filter((broker) => !broker.fenced).length)],
      ["Topics", link("topics", { internal: "1" }, number(found.topics))],
      ["Partitions", number(found.partitions)],
      ["Controller", found.controller === null ? "none" : `Broker ${found.controller}`],
      ["Cluster", name(found.cluster_id), "long"],
    ]),
    el("h2", null, "Brokers"),
    table("Brokers", [
      { title: "Broker", cell: (broker) => link("broker", { id: broker.id }, `Broker ${broker.id}`) },
      { title: "State", cell: (broker) => state(broker, found) },
      { title: "Zone", cell: (broker) => broker.rack === null ? "–" : name(broker.rack) },
      { title: "Leads", kind: "number", cell: (broker) => [number(broker.partitions), share(broker, found)] },
      { title: "Listeners", cell: (broker) => broker.listeners.map((listener) =>
        el("div", null, el("span", { class: "quiet" }, name(listener.name), " "), name(listener.address))) },
    ], found.brokers, "No brokers."),
    el("p", { class: "quiet" }, `Alluvium ${found.version}, told by broker ${found.this_broker}.`),
  ];
}

/** Which part of all partitions, where there is more than one broker. */
function share(broker, found) {
  if (found.brokers.length < 2 || found.partitions === 0) return null;
  return el("span", { class: "quiet" }, ` (${Math.round((100 * broker.partitions) / found.partitions)} %)`);
}

function state(broker, found) {
  if (broker.fenced) return badge("bad", "not here");
  const more = broker.id === found.controller ? [" ", badge("plain", "controller")] : [];
  if (broker.arriving > 0) more.push(" ", badge("note", `${number(broker.arriving)} arriving`));
  return [broker.draining ? badge("note", "stopping") : badge("good", "up"), ...more];
}
