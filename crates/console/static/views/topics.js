import { ask } from "../api.js";
import { address, badge, el, field, fill, link, name, number, pager, plural, say, table } from "../dom.js";

const TYPING = 200;

export async function topics(page, parameters) {
  page.title("Topics");
  const filters = {
    contains: parameters.get("contains") ?? "",
    internal: parameters.get("internal") === "1",
    page: Number(parameters.get("page") ?? 0),
  };
  const input = el("input", { id: "contains", type: "search", value: filters.contains, autocomplete: "off", spellcheck: "false" });
  const internal = el("input", { id: "internal", type: "checkbox", checked: filters.internal });
  const list = el("div", null, el("p", { class: "waiting" }, "Loading…"));
  let timer = null;
  let asked = 0;
  const refresh = async () => {
    const turn = ++asked;
    // The address is kept up to date, without a step back for each letter.
    history.replaceState(null, "", where(filters, filters.page));
    try {
      const found = await ask("topics", { contains: filters.contains, internal: filters.internal, page: filters.page }, page.signal);
      if (turn !== asked || page.signal.aborted) return;
      say(plural(found.total, "topic", "topics"));
      fill(list, render(found, filters));
    } catch (error) {
      if (page.signal.aborted) return;
      if (error.status === 401) throw error;
      fill(list, page.problem(error));
    }
  };
  const change = () => {
    Object.assign(filters, { contains: input.value, internal: internal.checked, page: 0 });
    clearTimeout(timer);
    timer = setTimeout(refresh, TYPING);
  };
  input.addEventListener("input", change);
  internal.addEventListener("change", change);
  page.show(
    el("form", { class: "filters", role: "search", onsubmit: (event) => { event.preventDefault(); change(); } },
      field("Name contains", input, "grow"),
      el("div", { class: "check" }, internal, el("label", { for: "internal" }, "Brokers' own topics"))),
    list);
  await refresh();
}

function where(filters, page) {
  return address("topics", { contains: filters.contains, internal: filters.internal ? "1" : "", page: page || "" });
}

function render(found, filters) {
  const empty = filters.contains
    ? "No topic's name contains this."
    : "There are no topics yet. A client that writes to one makes it.";
  return [
    el("p", { class: "quiet" }, plural(found.total, "topic", "topics")),
    table("Topics", [
      { title: "Topic", cell: (topic) => [
        link("topic", { name: topic.name }, name(topic.name)),
        topic.internal ? [" ", badge("plain", "brokers' own")] : null,
      ] },
      { title: "Partitions", kind: "number", cell: (topic) => number(topic.partitions) },
      { title: "State", cell: (topic) => topic.leaderless === 0
        ? badge("good", "served")
        : badge("bad", `${number(topic.leaderless)} without a leader`) },
      { title: "Read", cell: (topic) => link("messages", { topic: topic.name }, "Records", el("span", { class: "visually-hidden" }, " of ", name(topic.name))) },
    ], found.topics, empty),
    pager("topics", found.page, found.pages, (to) => where(filters, to)),
  ];
}
