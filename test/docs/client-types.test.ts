import { expectTypeOf, test } from "vitest";
import type * as z from "zod/mini";
import type { ClientEvents, Publications, ServerEvents } from "../../client/contract.ts";
import type { RefusalCode } from "../../client/index.ts";
import type { Emits } from "../../lambdas/mudbase/contract.ts";
import type { ClientEvent } from "../../lambdas/mudbase/domains.ts";
import type { Entry } from "../../lambdas/mudbase/publishing.ts";
import type { RefusalCode as ServersCode } from "../../lambdas/server/errors.ts";

/** `true` where each of two types takes what the other takes; checked by `npm run types`. */
type Same<One, Other> = [One] extends [Other] ? ([Other] extends [One] ? true : [One]) : [Other];

/** Lists that nobody changes. */
type Frozen<Value> = Value extends readonly (infer Entry)[]
  ? readonly Frozen<Entry>[]
  : Value extends object
    ? { readonly [Key in keyof Value]: Frozen<Value[Key]> }
    : Value;

/** The names whose generated type is another than the inferred one. */
type Different<Generated, Inferred extends { readonly [Name in keyof Generated]: unknown }> =
  | Exclude<keyof Inferred, keyof Generated>
  | {
      [Name in keyof Generated]: Same<Generated[Name], Inferred[Name]> extends true ? never : Name;
    }[keyof Generated];

type Payloads = {
  readonly [Event in ClientEvent as Event["name"]]: Frozen<z.input<ReturnType<Event["payload"]>>>;
};
type Replies = {
  readonly [Event in ClientEvent as Event["name"]]: NonNullable<Event["reply"]>;
};
type Entries = {
  readonly [Name in Entry["event"]]: Entry extends infer One
    ? One extends { readonly event: infer Names }
      ? Name extends Names
        ? Omit<Frozen<One>, "event">
        : never
      : never
    : never;
};

test("the client's types are those of the events themselves", () => {
  type Sent = {
    readonly [Name in keyof ClientEvents]: ClientEvents[Name]["payload"];
  };
  type Named = { readonly [Name in keyof ClientEvents]: NonNullable<ClientEvents[Name]["reply"]> };

  expectTypeOf<Different<Sent, Payloads>>().toBeNever();
  expectTypeOf<Different<Named, Replies>>().toBeNever();
  expectTypeOf<Different<ServerEvents, Emits>>().toBeNever();
  expectTypeOf<Different<Publications, Entries>>().toBeNever();
  expectTypeOf<RefusalCode>().toEqualTypeOf<ServersCode>();
});
