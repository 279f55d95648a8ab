import { ask } from "../api.js";
import { keeping, size } from "../bytes.js";
import { button, changes, confirm, entered, textField } from "../change.js";
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
      const question = { contains: filters.contains, internal: filters.internal, page: filters.page };
      const found = await ask("topics", question, page.signal);
      if (turn !== asked || page.signal.aborted) return;
      say(plural(found.total, "topic", "topics"));
      fill(list, render(found, filters, null));
      // The brokers have to be asked for sizes: nobody waits for them.
      const sizes = await ask("sizes", question, page.signal).catch(() => null);
      if (sizes !== null && turn === asked && !page.signal.aborted) fill(list, render(found, filters, sizes));
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
  page.frame(changes(page, () => button("Create a topic…", () => create(page, input.value))));
  input.addEventListener("input", change);
  internal.addEventListener("change", change);
  page.show(
    el("form", { class: "filters", role: "search", onsubmit: (event) => { event.preventDefault(); change(); } },
      field("Name contains", input, "grow"),
      el("div", { class: "check" }, internal, el("label", { for: "internal" }, "Brokers' own topics"))),
    list);
  await refresh();
}

function create(page, suggested) {
  const configs = el("textarea", { id: "configs", rows: "3", spellcheck: "false", placeholder: "retention.ms=86400000" });
  confirm({
    page, deed: "create-topic", action: "Create",
    title: "Create a topic",
    fields: [
      textField("name", "Name", { value: suggested, required: true, maxlength: "249", pattern: "[a-zA-Z0-9._\\-]+", title: "Letters, digits, dots, underscores and hyphens" }),
      textField("partitions", "Partitions (empty: the broker's num.partitions)", { type: "number", min: "1" }),
      field("Configs, one key=value a line", configs),
    ],
    what: () => ({ name: entered("name"), partitions: entered("partitions") === "" ? null : Number(entered("partitions")), configs: pairs(configs.value) }),
    done: () => page.go(address("topic", { name: created })),
  });
  let created = suggested;
  document.getElementById("name").addEventListener("input", (event) => { created = event.target.value; });
}

function pairs(text) {
  const pairs = Object.create(null);
  for (const line of text.split("\n").map((line) => line.trim()).filter(Boolean)) {
    const at = line.indexOf("=");
    if (at < 1) throw `${line}: write it as key=value`;
    pairs[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return pairs;
}

function where(filters, page) {
  return address("topics", { contains: filters.contains, internal: filters.internal ? "1" : "", page: page || "" });
}

function render(found, filters, sizes) {
  // A topic may be called as what every object has.
  const stored = (topic, words) => sizes !== null && Object.hasOwn(sizes, topic.name) ? words(Number(sizes[topic.name])) : "–";
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
      { title: "Stored", kind: "number", cell: (topic) => stored(topic, size) },
      { title: "A month", kind: "number", cell: (topic) => stored(topic, keeping) },
      { title: "Read", cell: (topic) => link("messages", { topic: topic.name }, "Records", el("span", { class: "visually-hidden" }, " of ", name(topic.name))) },
    ], found.topics, empty),
    pager("topics", found.page, found.pages, (to) => where(filters, to)),
    el("p", { class: "quiet" }, "Stored: what it takes in object storage. A month: what that costs at S3 Standard's $0.023 a GB; requests are not in it."),
  ];
}
