// The reset of a group's offsets: where to, then what that comes to, then the question.

import { Failed, ask } from "../api.js";
import { confirm, entered, textField } from "../change.js";
import { el, field, fill, name, notice, number, plural, select, table } from "../dom.js";

const SHOWN = 200;

/** A form that shows what a reset would come to; nothing is changed by it. */
export function seekForm(page, id, topics, done) {
  const to = select("seek-to", [["start", "The start of the log"], ["end", "The end of the log"], ["time", "A time"], ["offset", "An offset"]], "start");
  const topic = select("seek-topic", [["", "All that it has committed to"], ...topics.map((topic) => [topic, topic])], "");
  const time = textField("seek-time", "Time, of this computer's clock", { type: "datetime-local", step: "1" });
  const offset = textField("seek-offset", "Offset", { inputmode: "numeric", pattern: "[0-9]+" });
  const shown = el("div");
  const choose = () => {
    time.hidden = to.value !== "time";
    offset.hidden = to.value !== "offset";
    fill(shown);
  };
  const look = async (event) => {
    event.preventDefault();
    let target = to.value;
    if (target === "offset") target = `offset:${entered("seek-offset")}`;
    if (target === "time") target = `time:${new Date(entered("seek-time")).getTime()}`;
    try {
      if (target.endsWith(":NaN") || target.endsWith(":")) throw new Failed(0, "Say which.");
      const found = await ask("seek", { id, to: target, topic: topic.value }, page.signal);
      fill(shown, preview(page, id, found.steps, done));
    } catch (error) {
      if (!page.signal.aborted) fill(shown, page.problem(error));
    }
  };
  const form = el("form", { class: "filters", onsubmit: look },
    field("Go on at", to), field("Topic", topic), time, offset, el("button", null, "Show what that comes to"));
  // What is shown is of what was asked for.
  form.addEventListener("input", choose);
  choose();
  return el("div", null, form, shown);
}

function preview(page, id, steps, done) {
  const wrong = steps.filter((step) => step.problem !== null);
  const moved = steps.filter((step) => step.problem === null && step.from !== step.to);
  if (wrong.length === 0 && moved.length === 0) return notice("note", "The group is there already: nothing would change.");
  const body = () => table("Preview", [
    { title: "Topic", cell: (step) => name(step.topic) },
    { title: "Partition", kind: "number", cell: (step) => number(step.partition) },
    { title: "From", kind: "number", cell: (step) => number(step.from) },
    { title: "To", kind: "number", cell: (step) => step.problem ?? number(step.to) },
  ], [...wrong, ...moved].slice(0, SHOWN), "None.");
  const more = wrong.length + moved.length - SHOWN;
  const act = () => confirm({
    page, done, deed: "reset-offsets", action: "Reset", danger: true,
    title: `Reset ${plural(moved.length, "offset", "offsets")}`,
    text: [
      el("p", null, "Group ", el("strong", null, name(id)), " goes on there; what lies between is read again, or never:"),
      el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "From and to" }, body()),
    ],
    what: () => ({ group: id, offsets: moved.map(({ topic, partition, from, to }) => ({ topic, partition, from, to })) }),
  });
  return [
    body(),
    more > 0 ? notice("note", `${number(more)} more are not shown.`) : null,
    wrong.length > 0
      ? notice("bad", "Some partitions can't be asked: nothing is reset while that is so.")
      : el("div", { class: "actions" }, el("button", { type: "button", class: "danger", onclick: act }, `Reset ${plural(moved.length, "offset", "offsets")}…`)),
  ];
}
