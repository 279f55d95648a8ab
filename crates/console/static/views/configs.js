import { button, confirm, entered, textField } from "../change.js";
import { badge, el, name, number, table } from "../dom.js";

/** What somebody set comes first. `change(config)` gives the buttons of a config that can be changed. */
export function configTable(configs, change) {
  const columns = [
    { title: "Key", cell: (config) => [
      el("span", { class: "mono" }, name(config.name)),
      config.documentation ? el("div", { class: "quiet" }, config.documentation) : null,
    ] },
    { title: "Value", kind: "data", cell: value },
    { title: "Source", kind: "nowrap", cell: (config) => config.source === "default" ? config.source : badge("plain", config.source) },
    change ? { title: "Change", kind: "nowrap", cell: (config) => config.read_only ? "–" : el("div", { class: "actions" }, change(config)) } : null,
  ].filter(Boolean);
  const set = configs.filter((config) => config.source !== "default");
  const defaults = configs.filter((config) => config.source === "default");
  return [
    table("Configs that were set", columns, set, "Nothing was set: every config has its default."),
    el("details", null, el("summary", null, `${number(defaults.length)} defaults`), table("Configs with defaults", columns, defaults, "None.")),
  ];
}

function value(config) {
  if (config.sensitive) return el("span", { class: "null" }, "secret");
  if (config.value === null) return el("span", { class: "null" }, "unset");
  return el("span", { class: "mono" }, name(config.value));
}

/** The buttons of a topic's config. */
export function topicConfigButtons(page, topic, config, done) {
  const quietly = (text, act) => {
    const made = button(text, act, "link");
    made.setAttribute("aria-label", `${text} ${config.name}`);
    made.setAttribute("data-key", `${text} ${config.name}`);
    return made;
  };
  const set = () => confirm({
    page, done, deed: "change-configs", action: "Set",
    title: `Set ${config.name}`,
    text: [
      el("p", null, "Of topic ", el("strong", null, name(topic)), ". It is in force at once."),
      config.documentation ? el("p", { class: "quiet" }, config.documentation) : null,
      el("p", { class: "quiet" }, "Now: ", config.value === null ? "unset" : name(config.value)),
    ],
    fields: textField("value", "New value", { value: config.value ?? "", required: true }),
    what: () => ({ topic, configs: { [config.name]: entered("value") } }),
  });
  const reset = () => confirm({
    page, done, deed: "change-configs", action: "Take back",
    title: `Take back ${config.name}`,
    text: el("p", null, "What was set on topic ", el("strong", null, name(topic)), " goes, and the broker's value is in force at once."),
    what: () => ({ topic, configs: { [config.name]: null } }),
  });
  return [quietly("Set", set), config.source === "topic" ? quietly("Take back", reset) : null];
}
