import { ask } from "../api.js";
import { badge, el, field, fill, link, name, notice, number, plural, say, table } from "../dom.js";

const PAGE = 100;

export async function groups(page, parameters) {
  page.title("Groups");
  const input = el("input", { id: "contains", type: "search", value: parameters.get("contains") ?? "", autocomplete: "off", spellcheck: "false" });
  const list = el("div", null, el("p", { class: "waiting" }, "Loading…"));
  const state = { found: null, page: 0 };
  const show = () => { if (state.found) fill(list, render(state, input.value, show)); };
  input.addEventListener("input", () => { state.page = 0; show(); });
  page.show(
    el("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
      field("Id contains", input, "grow")),
    list);
  let before = null;
  while (!page.signal.aborted) {
    if (before !== null && document.visibilityState === "hidden") {
      await page.pause(5_000);
      continue;
    }
    try {
      const found = await ask("groups", {}, page.signal);
      const text = JSON.stringify(found);
      if (text !== before) {
        if (before === null) say(plural(found.groups.length, "group", "groups"));
        state.found = found;
        show();
      }
      before = text;
    } catch (error) {
      if (page.signal.aborted) return;
      if (error.status === 401) throw error;
      before = "";
      fill(list, page.problem(error));
    }
    await page.pause(5_000);
  }
}

const KINDS = { Stable: "good", Empty: "plain", Dead: "plain" };

export function stateBadge(state) {
  return badge(KINDS[state] ?? "note", name(state || "unknown"));
}

function render(state, contains, show) {
  const wanted = contains.toLowerCase();
  const matching = state.found.groups.filter((group) => group.id.toLowerCase().includes(wanted));
  const pages = Math.max(1, Math.ceil(matching.length / PAGE));
  state.page = Math.min(state.page, pages - 1);
  const turn = (by, text) => el("button", {
    type: "button", "data-key": text, disabled: state.page + by < 0 || state.page + by >= pages,
    onclick: () => { state.page += by; show(); },
  }, text);
  return [
    state.found.problems.map((problem) => notice("bad", `Not all groups are here. ${problem}`)),
    state.found.left_out > 0 ? notice("note", `${number(state.found.left_out)} more are not shown.`) : null,
    el("p", { class: "quiet" }, plural(matching.length, "group", "groups")),
    table("Groups", [
      { title: "Group", cell: (group) => link("group", { id: group.id }, name(group.id)) },
      { title: "State", cell: (group) => stateBadge(group.state) },
      { title: "Protocol", cell: (group) => name([group.kind, group.protocol].filter(Boolean).join(", ")) },
      { title: "Coordinator", cell: (group) => link("broker", { id: group.coordinator }, `Broker ${group.coordinator}`) },
    ], matching.slice(state.page * PAGE, (state.page + 1) * PAGE),
    contains ? "No group's id contains this." : "There are no groups yet. A consumer with a group.id makes one."),
    pages > 1 ? el("div", { class: "pager" }, turn(-1, "Previous"), `Page ${state.page + 1} of ${pages}`, turn(1, "Next")) : null,
  ];
}
