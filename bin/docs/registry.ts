import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { emits } from "../../lambdas/mudbase/contract.ts";
import { domains } from "../../lambdas/mudbase/domains.ts";
import { publications } from "../../lambdas/mudbase/publishing.ts";
import type { AnyEvent } from "../../lambdas/server/app.ts";
import { domainOf } from "../../lambdas/server/model/telemetry.ts";

/** An event of a client, with the first sentence of its file and the names it is answered by. */
export interface DocumentedEvent {
  readonly name: string;
  readonly description: string;
  readonly domain: string;
  readonly access: string;
  readonly payload: JsonSchema;
  /** Whether it may be sent without its payload. */
  readonly isBare: boolean;
  readonly reply?: string | undefined;
}

export type JsonSchema = z.core.JSONSchema.BaseSchema;

const FOLDER = "lambdas/mudbase";

/** Every event a client may send, in the registry's order. */
export const documentedEvents = (): readonly DocumentedEvent[] =>
  Object.values(domains)
    .flatMap((domain) => domain.events as readonly AnyEvent[])
    .map((event) => {
      const payload = event.payload();
      const isBare = payload.safeParse(undefined).success;
      return { ...documentation(event), payload: schemaOf(payload), isBare };
    });

/** Every event this server sends, with the schema of its payload. */
export const documentedEmits = (): readonly (readonly [string, JsonSchema])[] =>
  Object.entries(emits).map(([name, schema]) => [name, schemaOf(schema)]);

/** Everything another back end may publish. */
export const documentedPublications = (): readonly (readonly [string, JsonSchema])[] =>
  publications.all.flatMap(({ names, entry }) =>
    names.map((name: string) => [name, schemaOf(entry())] as const),
  );

const schemaOf = (schema: z.core.$ZodType): JsonSchema => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return rest;
};

function documentation({ name, reply }: AnyEvent): Omit<DocumentedEvent, "payload" | "isBare"> {
  const domain = domainOf(name);
  const text = readFileSync(join(FOLDER, `${domain}.ts`), "utf8");
  const definition = text
    .split(/\n(?=\/\*\*)/)
    .find((block) => /^(export )?const/m.test(block) && block.includes(`name: "${name}"`));
  const [, description] = /\/\*\* (.+?) ?\*\/\n/.exec(definition ?? "") ?? [];
  const [, access = ""] = /^ {2}access: (?:\(request\) =>\s+)?(\w+)/m.exec(definition ?? "") ?? [];
  if (description === undefined) throw new Error(`The event ${name} says nowhere what it does.`);
  return { name, description, domain, access, reply };
}
