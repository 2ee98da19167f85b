import type * as z from "zod/mini";

/** The object schemas of a schema: each option of a union, and the input of a pipe. */
export function objectsOf(schema: z.core.$ZodType): readonly z.core.$ZodObject[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "object":
      return [schema as z.core.$ZodObject];
    case "union":
      return def.options.flatMap(objectsOf);
    case "pipe":
      return objectsOf(def.in);
    case "optional":
    case "nullable":
    case "default":
      return objectsOf(def.innerType);
    default:
      return [];
  }
}

/** The names of an object's optional fields. */
export const optionalFields = (schema: z.core.$ZodObject): readonly string[] =>
  Object.entries(schema._zod.def.shape)
    .filter(([, field]) => field._zod.optin === "optional")
    .map(([name]) => name);
