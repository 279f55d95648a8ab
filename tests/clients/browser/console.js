// The console in headless Chromium, as a person uses it. Each check prints a line; the first that fails ends it.
// Options: --url, --access (the same of a broker with access rules), --chromium, --shots (a directory for screenshots), --topic, --large (a record's offset), --many, --group.
"use strict";

const fs = require("fs");
const path = require("path");
const { chromium } = require("playwright-core");
const axe = require("axe-core").source;

const options = {};
for (let i = 2; i + 1 < process.argv.length; i += 2) options[process.argv[i].slice(2)] = process.argv[i + 1];

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 800 };
const complaints = [];

function assert(holds, what) {
  if (!holds) throw new Error(what);
}

/** A page whose complaints are kept; nothing in it may open a dialog, load from elsewhere or offend its policy. */
async function open(browser, viewport, colorScheme) {
  const context = await browser.newContext({ viewport, colorScheme });
  const page = await context.newPage();
  page.on("dialog", (dialog) => { complaints.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("pageerror", (error) => complaints.push(`an error: ${error.message}`));
  page.on("console", (message) => { if (message.type() === "error") complaints.push(`the console: ${message.text()}`); });
  page.on("request", (request) => {
    const asked = request.url();
    if (!asked.startsWith(options.url) && !asked.startsWith(options.access) && !asked.startsWith("blob:") && !asked.startsWith("data:")) complaints.push(`asked elsewhere: ${asked}`);
  });
  page.setDefaultTimeout(15_000);
  return page;
}

async function go(page, fragment) {
  await page.goto(`${options.url}/${fragment}`);
}

/** No finding of axe beyond what is minor. The page's policy holds: axe comes in by the debugger's way. */
async function accessible(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  const serious = violations.filter((violation) => violation.impact !== "minor");
  const told = serious.map((it) => `${it.id} (${it.impact}): ${it.nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`);
  assert(told.length === 0, `axe on ${what}: ${told.join("; ")}`);
}

/** A dialog lies over what is in view, not over the whole page. */
async function shot(page, name, fullPage = true) {
  await page.screenshot({ path: path.join(options.shots, `${name}.png`), fullPage });
}

const text = (page) => page.locator("main").innerText();

async function until(page, wanted) {
  try {
    await page.waitForFunction((wanted) => document.querySelector("main").innerText.includes(wanted), wanted);
  } catch (error) {
    throw new Error(`never showed ${JSON.stringify(wanted)}: ${(await text(page)).slice(0, 2_000)}`);
  }
}

const steps = {
  async "the first paint waits for no data"(page) {
    // A browser that has just started paints late whatever it is shown.
    await go(page, "");
    await until(page, "Broker 1");
    let answer;
    const answered = new Promise((resolve) => { answer = resolve; });
    await page.route("**/console/api/**", async (route) => { await answered; await route.continue(); });
    await page.reload();
    await page.getByRole("heading", { name: "Overview" }).waitFor({ timeout: 1_000 });
    await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
    const painted = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
    answer();
    await until(page, "Broker 1");
    await page.unrouteAll({ behavior: "wait" });
    console.log(`first contentful paint: ${Math.round(painted)} ms`);
  },

  async "the overview says how the cluster is"(page) {
    await go(page, "");
    await until(page, "have a leader");
    await until(page, "Broker 1");
    await accessible(page, "the overview");
    await shot(page, "overview");
  },

  async "topics are found among ten thousand partitions"(page) {
    await go(page, "#/topics");
    await page.getByLabel("Name contains").fill(options.topic.toUpperCase());
    await page.getByRole("link", { name: options.topic, exact: true }).waitFor();
    await accessible(page, "topics");
    await shot(page, "topics");
    const begun = Date.now();
    await go(page, `#/topic?name=${options.many}`);
    await until(page, "Page 1 of 100");
    console.log(`the first of 10,000 partitions: ${Date.now() - begun} ms`);
    await accessible(page, "a wide topic");
    const start = Date.now();
    await go(page, `#/topic?name=${options.many}&page=99`);
    await until(page, "Page 100 of 100");
    await page.getByRole("link", { name: "9,999", exact: true }).waitFor();
    console.log(`the last of 10,000 partitions: ${Date.now() - start} ms`);
  },

  async "a topic has its partitions and configs"(page) {
    await go(page, `#/topic?name=${options.topic}`);
    await until(page, "High watermark");
    await until(page, "retention.ms");
    await until(page, "topic");
    await accessible(page, "a topic");
    await shot(page, "topic");
  },

  async "records are text whatever is in them"(page) {
    await go(page, `#/messages?topic=${options.topic}`);
    await until(page, "<img src=x onerror=");
    await until(page, "binary");
    await until(page, "977 KiB");
    const made = await page.locator("main").evaluate((main) => main.querySelectorAll("img, script, iframe, svg, b").length);
    assert(made === 0, `${made} elements were made of data`);
    assert(await page.evaluate(() => window.attacked === undefined), "a record's script ran");
    await accessible(page, "records");
    await shot(page, "records");
  },

  async "a record opens in its place, by keyboard"(page) {
    await go(page, `#/messages?topic=${options.topic}&contains=onerror`);
    await until(page, "1 record");
    const opener = page.getByRole("button", { name: /^Open/ });
    await opener.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Value" }).waitFor();
    const value = page.getByRole("region", { name: "Value" });
    assert((await value.innerText()).includes('"id": 9007199254740993'), `a number changed: ${await value.innerText()}`);
    await page.getByLabel("Show the value as").selectOption("hex");
    assert((await value.innerText()).startsWith("00000000  7b"), await value.innerText());
    await accessible(page, "an open record");
    await shot(page, "record-open");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /^Close/ }).click();
    assert(await value.count() === 0, "it stayed open");
  },

  async "a large value is cut, and saved whole"(page) {
    await go(page, `#/record?topic=${options.topic}&partition=0&offset=${options.large}`);
    await until(page, "the first 256 KiB are shown");
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save" }).last().click()]);
    const size = fs.statSync(await download.path()).size;
    assert(size === 1_000_000, `saved ${size} bytes`);
    await accessible(page, "a record");
  },

  async "records are found from an offset and a time"(page) {
    await go(page, `#/messages?topic=${options.topic}&partition=0`);
    await page.getByLabel("Start").selectOption("offset");
    await page.getByLabel("Offset").fill("2");
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await until(page, "the oldest first");
    const first = await page.locator("tr.record td[data-label=Offset]").first().innerText();
    assert(first.trim() === "2", `it begins at ${first}`);
    await page.getByLabel("Start").selectOption("time");
    await page.getByRole("button", { name: "Show", exact: true }).click();
    await page.waitForFunction(() => document.querySelector("tr.record td[data-label=Offset]")?.innerText.trim() === "0");
  },

  async "new records arrive by themselves"(page) {
    await go(page, `#/messages?topic=${options.topic}`);
    await until(page, "the newest first");
    await page.getByRole("button", { name: "Live tail" }).click();
    await until(page, "Live: 0 new records");
    console.log("tailing");
    await until(page, "written while somebody looks");
    assert((await page.locator("tr.record").first().innerText()).includes("written while"), "it is not the first");
    await page.getByRole("button", { name: "Live tail" }).click();
    await shot(page, "tail");
  },

  async "a group has its offsets and lag"(page) {
    await go(page, "#/groups");
    await page.getByRole("link", { name: options.group, exact: true }).click();
    await until(page, "Committed");
    await until(page, "5 records");
    const focused = await page.evaluate(() => document.activeElement.tagName);
    assert(focused === "H1", `focus is at ${focused}`);
    await until(page, "Lag over the last");
    await accessible(page, "a group");
    await shot(page, "group");
  },

  async "who may do what is told"(page) {
    await go(page, "#/access");
    await until(page, "no authorizer");
    await accessible(page, "access");
    await go(page, "#/broker?id=1");
    await until(page, "defaults");
    await accessible(page, "a broker");
  },

  async "what is not there is said"(page) {
    const before = complaints.length;
    await go(page, "#/topic?name=nothing");
    await until(page, "there is no such topic");
    await go(page, "#/nonsense");
    await until(page, "There is nothing here");
    await accessible(page, "an error");
    // The browser's console tells of the 404.
    complaints.splice(before);
  },

  async "a topic is made, changed, and deleted once its name is typed"(page) {
    const before = complaints.length;
    await go(page, "#/topics");
    await page.getByRole("button", { name: "Create a topic" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("made-here");
    await dialog.getByLabel("Partitions").fill("3");
    await dialog.getByLabel("Configs").fill("retention.ms=3600000\ncleanup.policy=shred");
    await accessible(page, "a dialog");
    await dialog.getByRole("button", { name: "Create" }).click();
    await dialog.getByRole("alert").getByText("InvalidConfig").waitFor();
    await shot(page, "create-refused", false);
    await dialog.getByLabel("Configs").fill("retention.ms=3600000");
    await dialog.getByRole("button", { name: "Create" }).click();
    await until(page, "3600000");
    await until(page, "Partitions\n3");
    const change = async (value, wanted) => {
      await page.getByRole("button", { name: "Set retention.ms", exact: true }).click();
      await dialog.getByLabel("New value").fill(value);
      await page.keyboard.press("Enter");
      await wanted();
    };
    await change("soon", () => dialog.getByRole("alert").getByText("InvalidConfig").waitFor());
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    const focused = await page.evaluate(() => document.activeElement.getAttribute("aria-label"));
    assert(focused === "Set retention.ms", `focus is at ${focused}`);
    // The browser's console tells of what was refused.
    complaints.splice(before);
    await change("7200000", () => until(page, "7200000"));
    await page.getByRole("button", { name: "Take back retention.ms" }).click();
    await accessible(page, "a question");
    await dialog.getByRole("button", { name: "Take back" }).click();
    await page.getByRole("button", { name: "Take back retention.ms" }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Add partitions" }).click();
    await dialog.getByLabel("Partitions in all").fill("5");
    await dialog.getByRole("button", { name: "Add", exact: true }).click();
    await until(page, "Partitions\n5");
    await page.getByRole("button", { name: "Delete topic" }).click();
    const deletes = dialog.getByRole("button", { name: "Delete the topic" });
    await dialog.getByLabel("Type made-here to confirm").fill("made-her");
    assert(await deletes.isDisabled(), "it can be deleted without its name");
    await shot(page, "delete", false);
    await dialog.getByLabel("Type made-here to confirm").fill("made-here");
    await deletes.click();
    await until(page, options.topic);
    assert(!(await text(page)).includes("made-here"), "it is still there");
    await shot(page, "topics-after");
  },

  async "offsets are reset to what was shown"(page) {
    await go(page, `#/group?id=${encodeURIComponent(options.group)}`);
    await until(page, "Reset offsets");
    await page.getByLabel("Go on at").selectOption("offset");
    await page.getByLabel("Offset", { exact: true }).fill("2");
    await page.getByLabel("Topic", { exact: true }).selectOption("counted");
    await page.getByRole("button", { name: "Show what that comes to" }).click();
    await page.getByRole("table", { name: "Preview" }).waitFor();
    await accessible(page, "a preview");
    await shot(page, "preview");
    await page.getByRole("button", { name: "Reset 2 offsets" }).click();
    const dialog = page.getByRole("dialog");
    await shot(page, "reset", false);
    await accessible(page, "the question whether to reset");
    await dialog.getByRole("button", { name: "Reset", exact: true }).click();
    await until(page, "21 records");
    await shot(page, "group-after-reset");
  },

  async "lag over time is the sum of what is known"(page) {
    const points = await page.evaluate(async () => {
      const { lagOverTime } = await import("/console/views/plot.js");
      const commit = (timestamp, lag) => ({ timestamp, lag });
      return lagOverTime({ one: [{ offsets: [null, commit(10, 5), commit(30, 1)] }, { offsets: [] }], other: [{ offsets: [commit(20, 7), commit(25, null)] }] });
    });
    const expected = [{ at: 20, lag: 12 }, { at: 30, lag: 8 }];
    assert(JSON.stringify(points) === JSON.stringify(expected), JSON.stringify(points));
  },

  async "rules and users are made and removed"(page) {
    await page.goto(`${options.access}/#/access`);
    await until(page, "There are no rules");
    const dialog = page.getByRole("dialog");
    await page.getByRole("button", { name: "Add a rule" }).click();
    await dialog.getByLabel("Who").fill("User:ann");
    await dialog.getByLabel("Name").fill("orders");
    await accessible(page, "the dialog of a rule");
    await shot(page, "rule", false);
    await dialog.getByRole("button", { name: "Add", exact: true }).click();
    await until(page, "User:ann");
    await page.getByRole("button", { name: "Add a user" }).click();
    await dialog.getByLabel("User").fill("ann");
    await dialog.getByLabel("Password").fill("not to be told");
    await accessible(page, "the dialog of a user");
    await dialog.getByRole("button", { name: "Set the password" }).click();
    await until(page, "SCRAM-SHA-512");
    await accessible(page, "rules and users");
    await shot(page, "access");
    await page.getByRole("button", { name: "Remove the rule of User:ann" }).click();
    await dialog.getByRole("button", { name: "Remove the rule" }).click();
    await until(page, "There are no rules");
    await page.getByRole("button", { name: "Remove SCRAM-SHA-512 of ann" }).click();
    await dialog.getByRole("textbox").fill("ann");
    await dialog.getByRole("button", { name: "Remove" }).click();
    await until(page, "No users are stored");
  },

  async "it fits a phone, light and dark"(page) {
    for (const scheme of ["light", "dark"]) {
      const phone = await open(page.context().browser(), PHONE, scheme);
      const desk = await open(page.context().browser(), DESK, scheme);
      for (const [name, fragment, wanted] of [
        ["overview", "", "have a leader"], ["topic", `#/topic?name=${options.topic}`, "retention.ms"],
        ["records", `#/messages?topic=${options.topic}`, "binary"], ["group", `#/group?id=${encodeURIComponent(options.group)}`, "Committed"],
      ]) {
        for (const [page, size] of [[phone, "phone"], [desk, "desk"]]) {
          await go(page, fragment);
          await until(page, wanted);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
          assert(wide <= 0, `${name} is ${wide} pixels too wide for a ${size}`);
          await accessible(page, `${name}, ${scheme}, ${size}`);
          await shot(page, `${name}-${scheme}-${size}`);
        }
      }
      for (const [name, fragment, opener] of [
        ["delete", `#/topic?name=${options.topic}`, "Delete topic"], ["create", "#/topics", "Create a topic"],
      ]) {
        await go(phone, fragment);
        await phone.getByRole("button", { name: opener }).click();
        const wide = await phone.getByRole("dialog").evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth);
        assert(wide <= 0, `the dialog ${name} is ${wide} pixels too wide`);
        await accessible(phone, `the dialog ${name}, ${scheme}`);
        await shot(phone, `dialog-${name}-${scheme}-phone`, false);
      }
      await phone.context().close();
      await desk.context().close();
    }
  },

  async "a group is deleted once its id is typed, whatever is in it"(page) {
    await go(page, `#/group?id=${encodeURIComponent(options.group)}`);
    await page.getByRole("button", { name: "Delete group" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("textbox").fill(options.group);
    await dialog.getByRole("button", { name: "Delete the group" }).click();
    await until(page, "There are no groups yet");
    assert(await page.evaluate(() => window.attacked === undefined), "its id was markup");
  },
};

async function main() {
  fs.mkdirSync(options.shots, { recursive: true });
  const browser = await chromium.launch({ executablePath: options.chromium, args: ["--no-sandbox"] });
  const page = await open(browser, DESK, "light");
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step(page);
      assert(complaints.length === 0, complaints.join("; "));
    } catch (error) {
      await shot(page, "failed").catch(() => {});
      console.log(`failed: ${name}: ${error.stack}`);
      process.exitCode = 1;
      break;
    }
    console.log(`ok: ${name}`);
  }
  await browser.close();
}

main();
