import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { AnyEvent } from "../../lambdas/events/define-event.ts";
import { emitSchemas } from "../../lambdas/events/emits.ts";
import { events } from "../../lambdas/events/index.ts";
import { publications } from "../../lambdas/events/published/index.ts";

/** An event of a client, with the first sentence of its file and the names it is answered by. */
export interface DocumentedEvent {
  readonly name: string;
  readonly description: string;
  readonly domain: string;
  readonly access: string;
  readonly payload: JsonSchema;
  readonly reply?: string | undefined;
}

export type JsonSchema = z.core.JSONSchema.BaseSchema;

const FOLDER = "lambdas/events";

/** Every event a client may send, in the registry's order. */
export const documentedEvents = (): readonly DocumentedEvent[] =>
  [...events.values()].map((event) => ({
    ...documentation(event),
    payload: schemaOf(event.payload),
  }));

/** Every event this server sends, with the schema of its payload. */
export const documentedEmits = (): readonly (readonly [string, JsonSchema])[] =>
  Object.entries(emitSchemas).map(([name, schema]) => [name, schemaOf(schema)]);

/** Everything another back end may publish. */
export const documentedPublications = (): readonly (readonly [string, JsonSchema])[] =>
  [...publications].map(([name, { entry }]) => [name, schemaOf(entry)]);

const schemaOf = (schema: z.core.$ZodType): JsonSchema => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return rest;
};

function documentation({ name, reply }: AnyEvent): Omit<DocumentedEvent, "payload"> {
  const file = `${name.replaceAll(":", "-")}.ts`;
  const domain = readdirSync(FOLDER).find(
    (folder) => !folder.includes(".") && readdirSync(join(FOLDER, folder)).includes(file),
  );
  if (domain === undefined) throw new Error(`The event ${name} has no file ${file}.`);
  const text = readFileSync(join(FOLDER, domain, file), "utf8");
  const [, description] = /\/\*\* ([^\n]+?) ?\*\/\nexport const \w+ = defineEvent/.exec(text) ?? [];
  const [, access = ""] = /^ {2}access: (\w+)/m.exec(text) ?? [];
  if (description === undefined) throw new Error(`The event ${name} says nowhere what it does.`);
  return { name, description, domain, access, reply };
}
