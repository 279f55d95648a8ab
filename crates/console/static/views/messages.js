import { ask } from "../api.js";
import { address, badge, el, field, fill, link, name, notice, number, plural, say, select, tableRow, time } from "../dom.js";
import { recordDetail, schemaLink, short } from "./record.js";

const TAIL_SECONDS = 1;
const TAIL_ROWS = 500;
/** More partitions than this are not listed in a choice, nor read together. */
const PARTITIONS = 500;

export async function messages(page, parameters) {
  const topic = parameters.get("topic") ?? "";
  page.title([name(topic), ": records"], [link("topics", {}, "Topics"), " / ", link("topic", { name: topic }, name(topic))]);
  document.title = `Records of ${topic} – Alluvium`;
  const about = await ask("topic", { name: topic }, page.signal);
  const browser = new Browser(page, topic, about.partition_count, parameters);
  page.show(browser.form(), browser.problems, browser.summary, browser.results);
  await browser.search();
}

class Browser {
  constructor(page, topic, partitions, parameters) {
    Object.assign(this, { page, topic, partitions });
    const [kind, at] = (parameters.get("from") ?? "end").split(":");
    const many = partitions > PARTITIONS;
    const partition = parameters.get("partition") ?? (many ? "0" : "");
    this.partition = many
      ? el("input", { id: "partition", type: "number", min: "0", max: partitions - 1, value: partition, required: true })
      : select("partition", [["", "All"], ...Array.from({ length: partitions }, (_, index) => [String(index), String(index)])], partition);
    this.from = select("from", [["end", "Newest"], ["beginning", "Oldest"], ["offset", "Offset"], ["time", "Time"]], kind);
    this.offset = el("input", { id: "offset", type: "number", min: "0", value: kind === "offset" ? at : "0" });
    this.time = el("input", { id: "time", type: "datetime-local", step: "1", value: kind === "time" ? localTime(Number(at)) : localTime(Date.now() - 3_600_000) });
    this.limit = select("limit", [["20", "20"], ["100", "100"], ["500", "500"]], parameters.get("limit") ?? "100");
    this.contains = el("input", { id: "contains", type: "search", value: parameters.get("contains") ?? "", autocomplete: "off", spellcheck: "false" });
    this.tail = el("button", { type: "button", "aria-pressed": "false", onclick: () => this.toggleTail() }, "Live tail");
    this.problems = el("div");
    this.summary = el("p", { class: "quiet" }, "Loading…");
    this.body = el("tbody", { role: "rowgroup" });
    this.results = el("div", { class: "waiting" });
    this.tailing = null;
    this.stale = 0;
  }

  form() {
    const offset = field("Offset", this.offset);
    const time = field("Time (yours)", this.time);
    const fit = () => {
      offset.hidden = this.from.value !== "offset";
      time.hidden = this.from.value !== "time";
    };
    this.from.addEventListener("change", fit);
    fit();
    const submit = (event) => {
      event.preventDefault();
      history.replaceState(null, "", address("messages", { topic: this.topic, ...this.question() }));
      this.search().catch((error) => this.fail(error));
    };
    return el("form", { class: "filters", onsubmit: submit },
      field("Partition", this.partition), field("Start", this.from), offset, time, field("Records", this.limit),
      field("Contains (exact case)", this.contains, "grow"),
      el("button", { class: "primary" }, "Show"), this.tail);
  }

  question() {
    const places = {
      end: "end", beginning: "beginning", offset: `offset:${this.offset.value || 0}`,
      time: `time:${new Date(this.time.value).getTime() || 0}`,
    };
    return { partition: this.partition.value, from: places[this.from.value], limit: this.limit.value, contains: this.contains.value };
  }

  async search() {
    this.stopTail();
    const turn = ++this.stale;
    this.summary.textContent = "Searching…";
    const found = await ask("records", { topic: this.topic, ...this.question() }, this.page.signal);
    if (turn !== this.stale) return;
    this.backwards = this.from.value === "end";
    this.count = 0;
    this.shown = this.question();
    this.body.replaceChildren();
    this.take(found, false);
    say(this.summary.textContent);
  }

  /** Puts records into the list: the newer ones go above, where the newest are first. */
  take(found, news) {
    this.next = found.next;
    const records = news && this.backwards ? [...found.records].reverse() : found.records;
    const rows = records.map((record) => this.row(record));
    if (news && this.backwards) {
      rows.forEach((row) => row.classList.add("new"));
      this.body.prepend(...rows);
    } else this.body.append(...rows);
    this.count += rows.length;
    this.trim(news);
    fill(this.problems,
      [...new Set(found.problems)].slice(0, 5).map((problem) => notice("bad", problem)),
      found.stopped ? notice("note", `Not everything was looked at: ${found.stopped}.`) : null);
    if (!news || this.empty) this.list(found);
    const looked = found.scanned > found.records.length && !news ? ` of ${number(found.scanned)} looked at` : "";
    if (!news) this.summary.textContent = `${plural(this.count, "record", "records")}${looked}${this.backwards ? ", the newest first" : ", the oldest first"}`;
    this.more.hidden = this.backwards || (found.at_end && !found.stopped);
  }

  trim(news) {
    if (!news) return;
    while (this.body.querySelectorAll("tr.record").length > TAIL_ROWS) {
      const last = this.backwards ? this.body.lastElementChild : this.body.firstElementChild;
      last.remove();
    }
  }

  list(found) {
    this.more = el("button", { type: "button", onclick: () => this.goOn() }, "Show more");
    this.empty = this.body.childElementCount === 0;
    const empty = this.shown.contains
      ? `None of ${plural(found.scanned, "record", "records")} contains this.`
      : "There are no records here.";
    const columns = this.columns().map((column) => el("th", { scope: "col", role: "columnheader", class: column.kind }, column.title));
    this.results.className = "";
    fill(this.results,
      this.empty ? el("div", { class: "table" }, el("div", { class: "empty" }, empty)) : el("div", { class: "table" },
        el("table", { role: "table", class: "records", "aria-label": "Records" },
          el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, columns)), this.body)),
      el("div", { class: "pager" }, this.more));
  }

  columns() {
    return [
      { title: "Partition", kind: "number", cell: (record) => number(record.partition) },
      { title: "Offset", kind: "number", cell: (record) => link("record",
        { topic: this.topic, partition: record.partition, offset: record.offset }, number(record.offset)) },
      { title: "Time", cell: (record) => time(record.timestamp) },
      { title: "Key", kind: "key", cell: (record) => el("div", { class: "preview" }, short(record.key)) },
      { title: "Value", kind: "value", cell: (record) => [
        el("div", { class: "preview" }, short(record.value)),
        record.value?.schema === undefined ? null : badge("plain", schemaLink(record.value.schema)), " ",
        record.headers.length === 0 ? null : badge("plain", plural(record.headers.length + record.headers_left_out, "header", "headers")),
      ] },
      { title: "All of it", cell: (record) => this.opener(record) },
    ];
  }

  row(record) {
    const row = tableRow(this.columns(), record);
    row.classList.add("record");
    return row;
  }

  opener(record) {
    const button = el("button", { type: "button", class: "link", "aria-expanded": "false" }, "Open",
      el("span", { class: "visually-hidden" }, ` partition ${record.partition}, offset ${record.offset}`));
    button.addEventListener("click", () => this.toggle(button, record));
    return button;
  }

  /** The whole record below its row. */
  async toggle(button, record) {
    const row = button.closest("tr");
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    button.firstChild.data = open ? "Open" : "Close";
    if (open) return row.nextElementSibling.remove();
    const cell = el("td", { role: "cell", colspan: String(this.columns().length) }, el("p", { class: "quiet" }, "Loading…"));
    row.after(el("tr", { role: "row", class: "detail" }, cell));
    try {
      const place = { topic: this.topic, partition: record.partition, offset: record.offset };
      fill(cell, recordDetail(this.topic, await ask("record", place, this.page.signal), this.page.signal));
    } catch (error) {
      if (!this.page.signal.aborted) fill(cell, this.page.problem(error));
    }
  }

  async goOn() {
    this.more.disabled = true;
    try {
      const before = this.body.childElementCount;
      this.take(await this.following(), false);
      this.body.children[before]?.querySelector("a")?.focus();
      say(this.summary.textContent);
    } catch (error) {
      this.fail(error);
    } finally {
      this.more.disabled = false;
    }
  }

  following() {
    const positions = Object.entries(this.next).map(([partition, offset]) => `${partition}=${offset}`).join(",");
    return ask("records", { topic: this.topic, ...this.shown, from: `positions:${positions}` }, this.page.signal);
  }

  toggleTail() {
    if (this.tailing) this.stopTail();
    else this.startTail().catch((error) => this.fail(error));
  }

  stopTail() {
    this.tailing = null;
    this.tail.setAttribute("aria-pressed", "false");
  }

  async startTail() {
    // From the end on, whatever is shown.
    if (this.from.value !== "end") {
      this.from.value = "end";
      this.from.dispatchEvent(new Event("change"));
      await this.search();
    }
    const tailing = {};
    this.tailing = tailing;
    this.tail.setAttribute("aria-pressed", "true");
    let arrived = 0;
    while (this.tailing === tailing && !this.page.signal.aborted) {
      const found = await this.following();
      if (this.tailing !== tailing) return;
      this.take(found, true);
      arrived += found.records.length;
      this.summary.textContent = `Live: ${plural(arrived, "new record", "new records")}, the newest first`;
      if (found.records.length > 0) say(plural(found.records.length, "new record", "new records"));
      // A full answer has more behind it.
      if (found.at_end) await this.page.pause(TAIL_SECONDS * 1_000);
    }
  }

  fail(error) {
    if (this.page.signal.aborted) return;
    this.stopTail();
    this.summary.textContent = "";
    fill(this.problems, this.page.problem(error));
  }
}

function localTime(milliseconds) {
  const date = new Date(milliseconds);
  if (Number.isNaN(date.getTime())) return "";
  return new Date(milliseconds - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
