// The console in headless Chromium, as a person uses it. Each check prints a line; the first that fails ends it.
// Options: --url, --chromium, --shots (a directory for screenshots), --topic, --large (a record's offset), --many, --group.
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
    if (!asked.startsWith(options.url) && !asked.startsWith("blob:") && !asked.startsWith("data:")) complaints.push(`asked elsewhere: ${asked}`);
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

async function shot(page, name) {
  await page.screenshot({ path: path.join(options.shots, `${name}.png`), fullPage: true });
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
      await phone.context().close();
      await desk.context().close();
    }
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
