// A group's lag over time: what the evaluator's window of commits tells of the time before, and what was seen since this page is open.

import { el, number, plural } from "../dom.js";

const POINTS = 400;
const WIDE = 600;
const HIGH = 92;

/** The sum of the lags at each commit that is kept, from the first moment on at which every partition with a window has one. */
export function lagOverTime(topics) {
  const commits = [];
  let partitions = 0;
  for (const list of Object.values(topics)) {
    for (const partition of list) {
      const known = (partition.offsets ?? []).filter((commit) => commit && commit.lag !== null);
      if (known.length === 0) continue;
      for (const commit of known) commits.push({ at: commit.timestamp, lag: commit.lag, partition: partitions });
      partitions += 1;
    }
  }
  commits.sort((one, other) => one.at - other.at);
  const last = new Map();
  const points = [];
  for (const { at, lag, partition } of commits) {
    last.set(partition, lag);
    if (last.size < partitions) continue;
    points.push({ at, lag: [...last.values()].reduce((sum, lag) => sum + lag, 0) });
  }
  return points;
}

/** `history`: points before the page was opened, and those seen since. */
export function plot(history) {
  if (history.seen.length > POINTS) history.seen.splice(0, history.seen.length - POINTS);
  const begun = history.seen[0]?.at ?? Infinity;
  const points = [...history.before.filter((point) => point.at < begun), ...history.seen];
  const from = points[0].at;
  const to = Math.max(points[points.length - 1].at, from + 60_000);
  const top = Math.max(...points.map((point) => point.lag), 1);
  const x = (at) => (((at - from) / (to - from)) * WIDE).toFixed(1);
  const y = (lag) => (100 - 4 - (lag / top) * HIGH).toFixed(1);
  const line = points.map((point) => `${x(point.at)},${y(point.lag)}`).join(" ");
  const text = words(points);
  const drawing = svg("svg", { viewBox: `0 0 ${WIDE} 100`, preserveAspectRatio: "none", class: "plot", role: "img", "aria-label": text });
  drawing.append(
    svg("polygon", { points: `${x(from)},100 ${line} ${x(points[points.length - 1].at)},100` }),
    svg("polyline", { points: line }));
  return el("figure", null,
    el("div", { class: "scale quiet", "aria-hidden": "true" }, `${number(top)} behind`),
    drawing,
    el("div", { class: "scale quiet", "aria-hidden": "true" }, el("span", null, clock(from)), el("span", null, points.length < 2 ? "" : clock(to))),
    el("figcaption", { class: "quiet" }, text));
}

function words(points) {
  const first = points[0];
  const last = points[points.length - 1];
  const seconds = Math.round((last.at - first.at) / 1_000);
  if (points.length < 2 || seconds < 1) return "Lag from now on, while this page is open";
  const while_ = seconds < 120 ? plural(seconds, "second", "seconds") : seconds < 7_200 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3_600)} hours`;
  const most = Math.max(...points.map((point) => point.lag));
  return `Lag over the last ${while_}: from ${number(first.lag)} to ${number(last.lag)}, at most ${number(most)}`;
}

function clock(at) {
  return new Date(at).toLocaleTimeString("en-GB");
}

function svg(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
