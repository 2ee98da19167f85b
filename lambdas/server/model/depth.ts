/** Arrays and objects within each other that a payload may have. */
export const MAX_DEPTH = 100;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** Whether JSON nests deeper than that. Found without parsing it, which costs most where it is deep. */
export function isTooDeep(json: string): boolean {
  let depth = 0;
  let isQuoted = false;
  for (let index = 0; index < json.length; index += 1) {
    const code = json.charCodeAt(index);
    if (isQuoted && code === BACKSLASH) index += 1;
    else if (code === QUOTE) isQuoted = !isQuoted;
    else if (!isQuoted && OPENING.has(code)) depth += 1;
    else if (!isQuoted && CLOSING.has(code)) depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

/** The same of a value that is parsed already. */
export const nestsTooDeep = (value: unknown, levels = MAX_DEPTH): boolean =>
  typeof value === "object" &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => nestsTooDeep(inner, levels - 1)));
