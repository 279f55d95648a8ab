// What bytes look like: text, JSON, hex.

export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  for (const unit of units) {
    value /= 1024;
    if (value < 1024 || unit === "TiB") return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
  }
}

/** The bytes of a part, as far as it came. */
export function raw(part) {
  if (part.text !== undefined) return new TextEncoder().encode(part.text);
  const binary = atob(part.base64);
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** Sixteen bytes a line: where, hex, what of it is ASCII. */
export function hex(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const codes = Array.from(row, (byte) => byte.toString(16).padStart(2, "0"));
    const left = codes.slice(0, 8).join(" ").padEnd(23);
    const right = codes.slice(8).join(" ").padEnd(23);
    const ascii = Array.from(row, (byte) => byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".").join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${left}  ${right}  ${ascii}`);
  }
  return lines.join("\n");
}

/** JSON with line breaks, or `null` where it is none. Numbers and texts stay as they were written: a parsed one may be another. */
export function pretty(text) {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  let out = "";
  let depth = 0;
  const newline = () => `\n${"  ".repeat(depth)}`;
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
  tokens.forEach((token, index) => {
    if (token === "{" || token === "[") {
      const closed = tokens[index + 1] === "}" || tokens[index + 1] === "]";
      depth += 1;
      out += closed ? token : token + newline();
    } else if (token === "}" || token === "]") {
      depth -= 1;
      const opened = tokens[index - 1] === "{" || tokens[index - 1] === "[";
      out += opened ? token : newline() + token;
    } else if (token === ",") out += token + newline();
    else if (token === ":") out += ": ";
    else out += token;
  });
  return out;
}

// What S3 Standard takes for a GB and a month in most regions: for an order of magnitude.
const DOLLARS_A_GB = 0.023;

/** What it costs to keep so many bytes for a month, in words. */
export function keeping(bytes) {
  if (Number(bytes) === 0) return "nothing";
  const dollars = (Number(bytes) / 1e9) * DOLLARS_A_GB;
  return dollars < 0.01 ? "less than 1 cent" : `$${dollars.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}
