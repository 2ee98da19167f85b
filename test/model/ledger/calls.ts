import type { Step } from "./explore.ts";
import { recordKey } from "./keys.ts";
import type { Call, Key } from "./table.ts";

/** A condition or a step that a test may leave out, to see what it is for. */
export type Part =
  | "lives"
  | "max"
  | "claimed"
  | "released"
  | "churn"
  | "itemStamp"
  | "tombstone"
  | "tracked"
  | "purgeStamp"
  | "epochs"
  | "listStamp"
  | "listCondition"
  | "recordKey"
  | "newer"
  | "sameConnection"
  | "ownTake";

export interface Limits {
  readonly max?: number;
  readonly maxQueries?: number;
  readonly churn?: number;
  readonly without?: readonly Part[];
}

// The end makes the item no larger (`spare` goes): it works on an item of 400 KB, too.
export const LIVES = "attribute_exists(pk) AND #state <> :ended";

/** Conditions by what they are for, without those that are left out. */
export const and = (
  conditions: Readonly<Partial<Record<Part, string>>>,
  without: readonly Part[] = [],
): string =>
  Object.entries(conditions)
    .filter(([part]) => !without.some((each) => each === part))
    .map(([, condition]) => condition)
    .join(" AND ");

type Update = Pick<Call, "update" | "condition" | "names" | "values" | "returns">;

/** An update of a record: names and values are those that its expressions mention. */
export function updateRecord(label: string, sid: string, { names, values, ...call }: Update): Step {
  const text = `${call.update} ${call.condition ?? ""}`;
  const mentioned = <T>(all: Readonly<Record<string, T>>) =>
    Object.fromEntries(
      Object.entries(all).filter(([name]) => new RegExp(`${name}(?![A-Za-z0-9])`).test(text)),
    );
  return {
    label,
    call: {
      ...{ action: "update", key: recordKey(sid), ...call },
      names: mentioned({ "#state": "state", "#connection": "connection", ...names }),
      values: mentioned({ ":ended": "ended", ...values }),
    },
  };
}

export const getRecord = (label: string, sid: string): Step => ({
  label,
  call: { action: "get", key: recordKey(sid) },
});

export type Stamped = Key & { readonly stamp: number } & Readonly<Record<string, unknown>>;

/** Puts an item, unless a later command has written it; the tombstone of a release is one, too. */
export const putItem = (label: string, item: Stamped, isConditional: boolean): Step => ({
  label,
  call: {
    ...{ action: "put", item },
    ...(isConditional && {
      condition: "attribute_not_exists(pk) OR stamp <= :stamp",
      values: { ":stamp": item.stamp },
    }),
  },
});

export const erase = (label: string, keys: readonly Key[]): Step => ({
  label,
  call: { action: "erase", keys },
});
