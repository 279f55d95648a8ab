// The shell: which page is shown, and what all pages share.

import { Failed, keepToken } from "./api.js";
import { el, field, fill, notice, say } from "./dom.js";
import { access } from "./views/access.js";
import { broker } from "./views/broker.js";
import { group } from "./views/group.js";
import { groups } from "./views/groups.js";
import { messages } from "./views/messages.js";
import { overview } from "./views/overview.js";
import { record } from "./views/record.js";
import { schemas } from "./views/schemas.js";
import { topic } from "./views/topic.js";
import { topics } from "./views/topics.js";

// Each page, and the link that stands for it.
const PAGES = {
  "": [overview, "#/"],
  access: [access, "#/access"],
  broker: [broker, "#/"],
  group: [group, "#/groups"],
  groups: [groups, "#/groups"],
  messages: [messages, "#/topics"],
  record: [record, "#/topics"],
  schemas: [schemas, "#/schemas"],
  topic: [topic, "#/topics"],
  topics: [topics, "#/topics"],
};

const main = document.getElementById("main");
let current = null;
let first = true;

/** A page on the screen: it asks for nothing any more once another one is. */
class Page {
  constructor() {
    this.abort = new AbortController();
    this.signal = this.abort.signal;
  }

  /** What it is called, and the way to it. */
  title(text, crumbs) {
    document.title = `${text} – Alluvium`;
    this.heading = el("h1", { tabindex: "-1" }, text);
    this.bar = el("div", { class: "bar" });
    this.body = el("div", null, el("p", { class: "waiting" }, "Loading…"));
    this.foot = el("div");
    fill(main, crumbs ? el("p", { class: "crumbs" }, crumbs) : null, this.heading, this.bar, this.body, this.foot);
    window.scrollTo(0, 0);
    if (!first) this.heading.focus({ preventScroll: true });
    first = false;
  }

  show(...content) {
    if (!this.signal.aborted) fill(this.body, ...content);
  }

  /** What stays above and below while the rest is shown anew. */
  async frame(bar, foot) {
    try {
      const [above, below] = await Promise.all([bar, foot]);
      if (this.signal.aborted) return;
      fill(this.bar, above);
      fill(this.foot, below);
    } catch (error) {
      // Without its token, what is kept says so.
      if (!this.signal.aborted && error.status !== 401) fill(this.bar, problem(error));
    }
  }

  /** Asks and shows, now and again every few seconds while somebody looks. What is the same is not shown again. */
  async keep(seconds, load, render) {
    let before = null;
    while (!this.signal.aborted) {
      if (document.visibilityState === "visible" || before === null) {
        try {
          const found = await load();
          if (this.signal.aborted) return;
          const text = JSON.stringify(found);
          if (text !== before) this.show(render(found));
          before = text;
        } catch (error) {
          if (this.signal.aborted) return;
          if (error.status === 401) throw error;
          this.show(problem(error));
          before = "";
        }
      }
      if (seconds === null) return;
      await this.pause(seconds * 1_000);
    }
  }

  /** Has what is kept asked for at once. */
  refresh() {
    this.wake?.();
  }

  pause(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => { clearTimeout(timer); resolve(); };
      this.signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
    });
  }

  problem(error) {
    return problem(error);
  }

  go(address) {
    if (location.hash === address) navigate();
    else location.hash = address;
  }
}

function problem(error) {
  if (!(error instanceof Failed)) console.error(error);
  const text = error instanceof Failed ? error.message : "Something in this page went wrong; the browser's console says what.";
  say(text);
  return notice("bad", text);
}

async function navigate() {
  current?.abort.abort();
  const page = new Page();
  current = page;
  const [path, query] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [view, tab] = PAGES[path] ?? [unknown, null];
  for (const anchor of document.querySelectorAll("#pages a")) {
    if (anchor.getAttribute("href") === tab) anchor.setAttribute("aria-current", "page");
    else anchor.removeAttribute("aria-current");
  }
  try {
    await view(page, new URLSearchParams(query ?? ""));
  } catch (error) {
    if (page.signal.aborted) return;
    if (error.status === 401) askForToken(page);
    else page.show(problem(error));
  }
}

function unknown(page) {
  page.title("No such page");
  page.show(el("p", null, "There is nothing here. ", el("a", { href: "#/" }, "To the overview")));
}

function askForToken(page) {
  const tried = Boolean(page.heading) && sessionStorage.length > 0;
  keepToken(null);
  page.title("Token");
  const input = el("input", { id: "token", type: "password", autocomplete: "off", required: true });
  const enter = (event) => {
    event.preventDefault();
    keepToken(input.value.trim());
    navigate();
  };
  page.show(el("form", { class: "token", onsubmit: enter },
    tried ? notice("bad", "That was not the token.") : null,
    field("The broker's console.token", input),
    el("p", { class: "quiet" }, "Kept in this tab until it is closed."),
    el("button", { class: "primary" }, "Enter")));
  input.focus();
}

document.querySelector(".skip").addEventListener("click", (event) => {
  // The fragment says which page it is.
  event.preventDefault();
  main.focus();
});
window.addEventListener("hashchange", navigate);
navigate();
