import { ask } from "../api.js";
import { badge, el, name, notice, number, table } from "../dom.js";

export async function access(page) {
  page.title("Access");
  await page.keep(10, () => ask("access", {}, page.signal), render);
}

function render(found) {
  return [
    el("h2", null, "Access rules"),
    rules(found),
    el("h2", null, "Users"),
    el("p", { class: "quiet" }, "Who can log in with SCRAM. Passwords are not kept, and nothing made of them is shown."),
    found.users_problem
      ? notice("bad", found.users_problem)
      : table("Users", [
        { title: "User", cell: (user) => name(user.name) },
        { title: "Mechanisms", cell: (user) => user.mechanisms.join(", ") },
      ], found.users, "No users are stored in the cluster."),
  ];
}

function rules(found) {
  if (found.rules_problem) return notice("bad", found.rules_problem);
  if (found.authorizer === false) {
    return notice("note", "This cluster has no authorizer: whoever reaches a listener may do everything. authorizer.class.name turns one on.");
  }
  return [
    found.rules_left_out > 0 ? notice("note", `${number(found.rules_left_out)} more rules are not shown.`) : null,
    table("Access rules", [
      { title: "Principal", cell: (rule) => name(rule.principal) },
      { title: "May", cell: (rule) => [badge(rule.permission === "deny" ? "bad" : "good", rule.permission), " ", rule.operation] },
      { title: "On", cell: (rule) => [rule.resource_type, " ", name(rule.resource)] },
      { title: "Pattern", cell: (rule) => rule.pattern },
      { title: "From", cell: (rule) => name(rule.host) },
    ], found.rules, "There are no rules: only super.users may do anything."),
  ];
}
