import { describe, expect, test } from "vitest";
import * as z from "zod/mini";
import { claimsOf } from "../../lambdas/mudbase/model/identity.ts";
import { events, publications } from "../support/contract.ts";
import { SAMPLES } from "../support/samples.ts";
import { objectsOf, optionalFields } from "../support/schemas.ts";

const inP1 = { org: "acme", projectId: "p1" };
const change = { ...inP1, collectionId: "todos", data: { _id: "d1" }, action: "create" };
const wallet = {
  ...{ org: "acme", project: "p1", addressId: "a1", address: "0x", chain: "eth" },
  ...{ previousBalance: "1", newBalance: "2" },
  ...{ txHash: "h1", amount: "1", currency: "eth", direction: "incoming" },
};
const shop = {
  ...{ projectId: "p1", integrationId: "shop", name: "Shop", baseUrl: "https://shop.example" },
  endpoints: { list: { method: "GET", path: "/" } },
  webhook: {
    ...{ scheme: "hmac-sha256", signatureHeader: "x-signature" },
    secretArn: "arn:aws:secretsmanager:us-east-1:000000000000:secret:webhook-a1b2c3",
  },
};

/** An entry of every publication, with no more fields than it needs. */
const ENTRIES: readonly object[] = [
  { event: "project:created", ...inP1, data: {} },
  { event: "db:collection_created", ...change },
  { event: "db:update", ...change },
  { event: "data:change", ...change },
  { event: "document:change", ...change },
  { event: "project:data:change", ...change },
  { event: "wallet:balance:updated", ...wallet },
  { event: "wallet:tx:detected", ...wallet },
  {
    event: "integration:webhook:received",
    ...{ ...inP1, integrationId: "shop", received: { event: "e", data: 1 } },
  },
  { event: "emit", org: "acme", to: [{ kind: "org" }], name: "news" },
  { event: "sockets:emitWithAck", org: "acme", to: [{ kind: "org" }], name: "news", timeout: 1 },
  { event: "sockets:fetch", org: "acme", to: [{ kind: "org" }] },
  { event: "sockets:join", org: "acme", to: [{ kind: "org" }], room: "garden" },
  { event: "sockets:disconnect", org: "acme", to: [{ kind: "org" }] },
  { event: "revoke", org: "acme", target: { userId: "ann" } },
  { event: "restore", org: "acme", target: { userId: "ann" } },
  { event: "chat:put", org: "acme", chat: { chatId: "c", projectId: "p1" } },
  { event: "chat:get", ...inP1, chatId: "c" },
  { event: "integration:put", org: "acme", integration: shop },
  { event: "integration:get", ...inP1, integrationId: "shop" },
  { event: "integration:list", ...inP1 },
  { event: "integration:remove", ...inP1, integrationId: "shop" },
  { event: "limit:put", org: "acme", connections: 1 },
];

/** What these hold is content, in which `null` is `null`. */
const CONTENT = ["payload", "data", "params", "metadata", "sessionData"];

/** Every object within a value, content aside, as a function that gives the value with that object changed. */
function changesWithin(value: unknown): readonly ((change: object) => unknown)[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return [
    (change) => ({ ...value, ...change }),
    ...Object.entries(value)
      .filter(([name]) => !CONTENT.includes(name))
      .flatMap(([name, inner]) =>
        changesWithin(inner).map((within) => (change: object) => ({
          ...value,
          [name]: within(change),
        })),
      ),
  ];
}

/** The fields of all objects, at any depth, that may be missing. */
function everyOptionalField(schema: z.core.$ZodType): readonly string[] {
  const names = objectsOf(schema).flatMap((object) => [
    ...optionalFields(object),
    ...Object.values(object._zod.def.shape).flatMap(everyOptionalField),
  ]);
  const { def } = (schema as z.core.$ZodTypes)._zod;
  const inner = def.type === "record" ? everyOptionalField(def.valueType) : [];
  return [...new Set([...names, ...inner])];
}

describe("a field that may be missing", () => {
  const cases = [
    ...SAMPLES.map(({ event, payload }) => ({
      name: event,
      schema: (events.get(event) ?? expect.fail(event)).payload() as z.core.$ZodType,
      sample: payload ?? {},
    })),
    ...ENTRIES.map((entry) => {
      const { event } = entry as { readonly event: string };
      const { entry: schema } = publications.get(event) ?? expect.fail(event);
      return { name: event, schema: schema() as z.core.$ZodType, sample: entry };
    }),
  ].flatMap(({ name, schema, sample }) =>
    everyOptionalField(schema).map((field) => ({ name, schema, sample, field })),
  );

  test.each(cases)("of $name may be null instead: $field", ({ schema, sample, field }) => {
    const taken = changesWithin(sample)
      .map((changed) => ({
        absent: z.safeParse(schema, changed({ [field]: undefined })),
        nulled: z.safeParse(schema, changed({ [field]: null })),
      }))
      .filter(({ absent }) => absent.success);

    expect(taken).not.toEqual([]);
    for (const { absent, nulled } of taken) expect(nulled).toEqual(absent);
  });

  test("is looked for in every publication", () => {
    const names = ENTRIES.map((entry) => (entry as { readonly event: string }).event);
    const tried = new Set(names.map((name) => publications.get(name)));

    expect(tried.size).toBe(new Set(publications.values()).size);
  });

  test.each(["projects", "sid", "jti", "email", "firstName", "lastName", "role"])(
    "of a token may be null instead: %s",
    (claim) => {
      const claims = { sub: "ann", org: "acme", scope: "api", exp: 1 };
      expect(claimsOf({ ...claims, [claim]: null })).toEqual(claimsOf(claims));
    },
  );
});
