import fc from "fast-check";

/** Between two packets of a body. */
export const SEPARATOR = "\x1e";

const deep = fc.integer({ min: 1, max: 3000 }).map((depth) => "[".repeat(depth));
const json = fc.oneof(
  fc.json({ maxDepth: 3 }),
  deep,
  fc.constantFrom('"\ud800"', '{"__proto__":1}', '{"_placeholder":true,"num":9}', "1e999"),
);
const event = fc.constantFrom("custom:join", "custom:leave", "custom:typing", "connect", "x");
const packet = fc.oneof(
  fc.string({ unit: "binary", maxLength: 100 }),
  fc
    .tuple(fc.constantFrom("0", "1", "2", "2probe", "3", "5", "6", "b", "7"), fc.string())
    .map(join),
  fc.tuple(fc.constantFrom("40", "41", "42", "43", "44", "421", "40/", "42/a,"), json).map(join),
  fc.tuple(event, json).map(([name, payload]) => `421[${JSON.stringify(name)},${payload}]`),
  fc
    .tuple(fc.constantFrom("450-", "451-", "4599999999999-", "461-1", "451-/a,"), event)
    .map(([start, name]) => `${start}["${name}",{"_placeholder":true,"num":0}]`),
  fc.base64String().map((text) => `b${text}`),
  fc.constantFrom("b", "b====", "bAA\u0000", "\ud800", "4", ""),
);
/** Bodies of POSTs, most of them with several packets, some of which no client sends. */
export const payload = fc.oneof(
  { weight: 8, arbitrary: fc.array(packet, { maxLength: 6 }).map((all) => all.join(SEPARATOR)) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 60 }).map((n) => SEPARATOR.repeat(n)) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 300 }) },
);

function join(parts: readonly string[]): string {
  return parts.join("");
}
