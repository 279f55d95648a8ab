import { ask } from "../api.js";
import { button, changes, confirm, entered, textField } from "../change.js";
import { badge, el, field, name, notice, number, select, table } from "../dom.js";

const OPERATIONS = ["Read", "Write", "Describe", "Create", "Delete", "Alter", "DescribeConfigs", "AlterConfigs", "All", "ClusterAction", "IdempotentWrite", "CreateTokens", "DescribeTokens"];
const RESOURCES = ["topic", "group", "cluster", "transactional id", "delegation token", "user"];
const MECHANISMS = ["SCRAM-SHA-512", "SCRAM-SHA-256"];

export async function access(page) {
  page.title("Access");
  let writes = false;
  page.frame(changes(page, () => {
    writes = true;
    page.refresh();
    return [button("Add a rule…", () => addRule(page)), button("Add a user, or set a password…", () => setPassword(page))];
  }));
  await page.keep(10, async () => ({ ...await ask("access", {}, page.signal), writes }), (found) => render(page, found));
}

const options = (words) => words.map((word) => [word, word]);

function addRule(page) {
  const resource = select("resource-type", options(RESOURCES), "topic");
  resource.addEventListener("change", () => {
    // There is one cluster, and it has one name.
    if (resource.value === "cluster") document.getElementById("resource").value = "kafka-cluster";
  });
  confirm({
    page, deed: "add-rule", action: "Add", title: "Add a rule", done: () => page.refresh(),
    fields: [
      textField("principal", "Who, as User:ann; User:* is everybody", { value: "User:", required: true }),
      el("div", { class: "row" },
        field("May", select("permission", [["allow", "allow"], ["deny", "deny"]], "allow")),
        field("Operation", select("operation", options(OPERATIONS), "Read"))),
      el("div", { class: "row" },
        field("On", resource),
        field("Pattern", select("pattern", [["literal", "literal: this name"], ["prefixed", "prefixed: names that begin so"]], "literal"))),
      textField("resource", "Name; * is all", { required: true }),
      textField("host", "From this address; * is any", { value: "*", required: true }),
    ],
    what: () => ({
      principal: entered("principal"), permission: entered("permission"), operation: entered("operation"),
      resource_type: entered("resource-type"), resource: entered("resource"), pattern: entered("pattern"), host: entered("host"),
    }),
  });
}

function removeRule(page, rule) {
  confirm({
    page, deed: "remove-rule", action: "Remove the rule", danger: true, title: "Remove this rule", done: () => page.refresh(),
    text: el("p", null, name(rule.principal), ` ${rule.permission} ${rule.operation} on ${rule.pattern} ${rule.resource_type} `, name(rule.resource), " from ", name(rule.host),
      rule.permission === "deny" ? ". What it denied may be allowed by other rules then." : ". What only it allowed is denied at once."),
    what: () => rule,
  });
}

function setPassword(page) {
  confirm({
    page, deed: "set-password", action: "Set the password", title: "Add a user, or set a password", done: () => page.refresh(),
    text: el("p", { class: "quiet" }, "Brokers keep what is made of it, not the password. It goes to this broker as this page does: unencrypted, unless there is a proxy with TLS."),
    fields: [
      textField("user", "User", { required: true }),
      field("Mechanism", select("mechanism", options(MECHANISMS), MECHANISMS[0])),
      textField("password", "Password", { type: "password", autocomplete: "new-password", required: true }),
    ],
    what: () => ({ user: entered("user"), mechanism: entered("mechanism"), password: entered("password") }),
  });
}

function removeUser(page, user, mechanism) {
  confirm({
    page, deed: "remove-user", action: "Remove", danger: true, title: `Remove ${mechanism} of a user`, done: () => page.refresh(),
    text: el("p", null, "Nobody logs in as ", el("strong", null, name(user.name)), " that way any more; connections that are open stay."),
    typed: user.name,
    what: () => ({ user: user.name, mechanism }),
  });
}

function quietButton(text, label, act) {
  return el("button", { type: "button", class: "link", "data-key": label, "aria-label": label, onclick: act }, text);
}

function render(page, found) {
  return [
    el("h2", null, "Access rules"),
    rules(page, found),
    el("h2", null, "Users"),
    el("p", { class: "quiet" }, "Who can log in with SCRAM. Passwords are not kept, and nothing made of them is shown."),
    found.users_problem
      ? notice("bad", found.users_problem)
      : table("Users", [
        { title: "User", cell: (user) => name(user.name) },
        { title: "Mechanisms", cell: (user) => user.mechanisms.map((mechanism) => el("div", null, mechanism, found.writes
          ? [" ", quietButton("Remove", `Remove ${mechanism} of ${user.name}`, () => removeUser(page, user, mechanism))] : null)) },
      ], found.users, "No users are stored in the cluster."),
  ];
}

function rules(page, found) {
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
      found.writes ? { title: "Change", cell: (rule) => quietButton("Remove", `Remove the rule of ${rule.principal}: ${rule.operation} on ${rule.resource}`, () => removeRule(page, rule)) } : null,
    ].filter(Boolean), found.rules, "There are no rules: only super.users may do anything."),
  ];
}
