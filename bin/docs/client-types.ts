import {
  documentedEmits,
  documentedEvents,
  documentedPublications,
  type JsonSchema,
} from "./registry.ts";

/** `client/contract.ts`: the types of the contract by themselves, so that clients install nothing of the server. */
export function clientTypes(): string {
  return [
    "// Written by npm run docs from the events themselves; a test fails when it is stale.",
    interfaceOf(
      "What clients may send: the payload of each event, and the name of the event that carries its reply.",
      "ClientEvents",
      documentedEvents().map(({ name, description, payload, isBare, reply }) => [
        JSON.stringify(name),
        `{ readonly payload${isBare ? "?" : ""}: ${typeOf(payload)}${isBare ? " | undefined" : ""}; readonly reply: ${JSON.stringify(reply) ?? "undefined"} }`,
        description,
      ]),
    ),
    interfaceOf(
      "What this server sends, by event; `custom:*` are events that clients name themselves.",
      "ServerEvents",
      [
        ...documentedEmits().map(
          ([name, payload]) => [JSON.stringify(name), typeOf(payload)] as const,
        ),
        // As listeners of a client without types have it: who sends it decides what it is.
        [`[name: \`custom:\${string}\`]`, "any"],
      ],
    ),
    interfaceOf(
      "What other back ends may publish, by the `event` of the entry.",
      "Publications",
      documentedPublications().map(([name, entry]) => [JSON.stringify(name), typeOf(entry)]),
    ),
    "",
  ].join("\n\n");
}

type Member = readonly [key: string, type: string, description?: string];

const interfaceOf = (description: string, name: string, members: readonly Member[]): string =>
  [
    `/** ${description} */`,
    `export interface ${name} {`,
    ...members.flatMap(([key, type, says]) => [
      ...(says === undefined ? [] : [`  /** ${says} */`]),
      `  readonly ${key}: ${type};`,
    ]),
    "}",
  ].join("\n");

/** A JSON schema as a type. What may be left out may also be `null`, or `undefined`. */
function typeOf(schema: JsonSchema): string {
  const forms = schema.anyOf ?? schema.oneOf;
  if (forms !== undefined) return unionOf(forms.map((form) => typeOf(form as JsonSchema)));
  if (schema.enum !== undefined) return unionOf(schema.enum.map((value) => JSON.stringify(value)));
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const { type } = schema;
  if (Array.isArray(type)) return unionOf(type);
  switch (type) {
    case undefined:
      return "unknown";
    case "integer":
      return "number";
    case "array":
      return `readonly ${inBrackets(typeOf((schema.items ?? {}) as JsonSchema))}[]`;
    case "object":
      return objectOf(schema);
    default:
      return type;
  }
}

function objectOf({ properties = {}, required = [], additionalProperties }: JsonSchema): string {
  const members = Object.entries(properties).map(([name, inner]) =>
    required.includes(name) && (inner as JsonSchema).default === undefined
      ? `readonly ${keyOf(name)}: ${typeOf(inner as JsonSchema)}`
      : `readonly ${keyOf(name)}?: ${unionOf([typeOf(inner as JsonSchema), "undefined"])}`,
  );
  if (typeof additionalProperties === "object")
    members.push(`readonly [name: string]: ${typeOf(additionalProperties)}`);
  return members.length === 0 ? "Record<string, never>" : `{ ${members.join("; ")} }`;
}

/** A union; one with `unknown` is that. */
function unionOf(types: readonly string[]): string {
  const distinct = [...new Set(types)];
  return distinct.includes("unknown") ? "unknown" : distinct.join(" | ");
}

const keyOf = (name: string): string => (/^\w+$/.test(name) ? name : JSON.stringify(name));

const inBrackets = (type: string): string => (/[ |]/.test(type) ? `(${type})` : type);
