import * as z from "zod/mini";

/** A schema with conditions. Bundles keep zod's own method where nothing uses what it makes. */
/* @__NO_SIDE_EFFECTS__ */
export const checked = <Schema extends z.ZodMiniType>(
  schema: Schema,
  ...checks: Parameters<Schema["check"]>
): Schema => schema.check(...checks) as Schema;

/** A field that may be missing; clients in other languages send `null` for that. */
/* @__NO_SIDE_EFFECTS__ */
export const optional = <Output, Input>(schema: z.ZodMiniType<Output, Input>) =>
  z.optional(
    z.pipe(
      z.nullable(schema),
      z.transform((value: Output | null): Output | undefined => value ?? undefined),
    ),
  );

/** An optional field with a value of its own where it is missing or `null`. */
/* @__NO_SIDE_EFFECTS__ */
export const withDefault = <Output, Input>(
  schema: z.ZodMiniType<Output, Input>,
  value: z.core.util.NoUndefined<Output>,
) =>
  z.pipe(
    z._default(z.nullable(schema), value),
    z.transform(
      (given: z.core.util.NoUndefined<Output> | null): z.core.util.NoUndefined<Output> =>
        given ?? value,
    ),
  );

/** Any text; half a surrogate pair is none, and neither a table nor a URL can hold it. */
export const Text = checked(
  z.string(),
  z.refine((text) => text.isWellFormed(), "must be well-formed Unicode"),
);

/** An object with more fields than these: content, which stays as it came. */
/* @__NO_SIDE_EFFECTS__ */
export const looseObject = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  keepProto(z.looseObject(shape));

/** Values by names that somebody else has chosen. */
/* @__NO_SIDE_EFFECTS__ */
export const record = <Value extends z.ZodMiniType>(value: Value) =>
  keepProto(z.record(z.string(), value));

const PROTO = "__proto__";

/** zod drops a key `__proto__` of open objects without a word. */
/* @__NO_SIDE_EFFECTS__ */
function keepProto<Schema extends z.ZodMiniType>(schema: Schema): Schema {
  const { run } = schema._zod;
  schema._zod.run = (payload, context) => {
    const { value } = payload;
    const parsed = run(payload, context);
    if (parsed instanceof Promise || !isOwnProto(value) || parsed.issues.length > 0) return parsed;
    const descriptor = Object.getOwnPropertyDescriptor(value, PROTO) ?? {};
    Object.defineProperty(parsed.value, PROTO, descriptor);
    return parsed;
  };
  return schema;
}

const isOwnProto = (value: unknown): value is object =>
  typeof value === "object" && value !== null && Object.hasOwn(value, PROTO);

/** An object that has these texts: what most of what leaves consists of. */
/* @__NO_SIDE_EFFECTS__ */
export const texts = <const Name extends string>(...names: readonly Name[]) =>
  z.object(
    Object.fromEntries(names.map((name) => [name, z.string()])) as {
      readonly [Field in Name]: z.ZodMiniString<string>;
    },
  );
