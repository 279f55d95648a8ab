// Asks the broker that served this page.

const TOKEN = "alluvium-console-token";
const PATIENCE = 30_000;

/** A call without an answer; its message is for the person. */
export class Failed extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function keepToken(token) {
  if (token) sessionStorage.setItem(TOKEN, token);
  else sessionStorage.removeItem(TOKEN);
  asked = null;
}

/** JSON from the console's API. */
export async function ask(path, parameters, signal) {
  const response = await call(`/console/api/${path}${query(parameters)}`, signal);
  return response.json();
}

/** Has something done; a broker that refuses says why. */
export async function perform(deed, what) {
  const response = await call(`/console/api/do/${deed}`, null, {
    method: "POST", body: JSON.stringify(what), headers: { "Content-Type": "application/json" },
  });
  return response.json();
}

let asked = null;

/** Why nothing can be changed here; `null` when it can be. */
export async function readOnly(signal) {
  asked ??= ask("overview", {}).then((found) => found.read_only);
  try {
    return await asked;
  } catch (error) {
    asked = null;
    if (signal?.aborted || error.status === 401) throw error;
    return "The broker does not say whether anything can be changed here.";
  }
}

/** The bytes of a part of a record. */
export async function bytesOf(parameters, signal) {
  const response = await call(`/console/api/bytes${query(parameters)}`, signal);
  return response.blob();
}

/** The verdict of the lag evaluator, which has an API of its own; `null` where it knows nothing of the group. */
export async function verdict(cluster, group, signal) {
  return (await evaluated(cluster, group, "/lag", signal))?.status ?? null;
}

/** The last commits of a group that the evaluator keeps, by topic; `null` where it knows nothing of the group. */
export async function commitsOf(cluster, group, signal) {
  return (await evaluated(cluster, group, "", signal))?.topics ?? null;
}

async function evaluated(cluster, group, what, signal) {
  // A browser takes these for steps in a path, however they are written.
  if (group === "." || group === ".." || group === "") return null;
  const path = `/v3/kafka/${encodeURIComponent(cluster)}/consumer/${encodeURIComponent(group)}${what}`;
  try {
    const response = await fetch(path, { signal: patient(signal) });
    return response.ok ? await response.json() : null;
  } catch (error) {
    if (signal?.aborted) throw error;
    return null;
  }
}

/** Whether clients may be sent to this broker, in its own words. */
export async function readiness(signal) {
  const response = await fetch("/health/ready", { signal: patient(signal) });
  return { ready: response.ok, text: (await response.text()).trim() };
}

async function call(address, signal, more) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = { ...more?.headers, ...token ? { Authorization: `Bearer ${token}` } : {} };
  let response;
  try {
    response = await fetch(address, { ...more, headers, signal: patient(signal) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failed(0, "The broker does not answer. It may be stopping, or the connection is gone.");
  }
  if (!response.ok) throw new Failed(response.status, await reason(response));
  return response;
}

async function reason(response) {
  const text = await response.text();
  try {
    const told = JSON.parse(text);
    return String(told.error ?? told.message ?? text);
  } catch {
    return text || `The broker answered ${response.status}.`;
  }
}

function patient(signal) {
  const late = AbortSignal.timeout(PATIENCE);
  return signal ? AbortSignal.any([signal, late]) : late;
}

function query(parameters) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters ?? {})) {
    if (value !== null && value !== undefined && value !== "") query.set(key, value);
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}
