import { createRequire } from "node:module";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** A call of DynamoDB, with plain values. */
export interface Call {
  readonly action: "get" | "update" | "put" | "delete" | "erase";
  readonly key?: Key;
  readonly item?: Key & Readonly<Record<string, unknown>>;
  /** What a batch deletes. */
  readonly keys?: readonly Key[];
  readonly update?: string;
  readonly condition?: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly values?: Readonly<Record<string, unknown>>;
  readonly returns?: "ALL_NEW" | "ALL_OLD" | "UPDATED_OLD";
}

export interface Answer {
  /** False where the condition did not hold. */
  readonly ok: boolean;
  readonly attributes?: unknown;
}

/** Items by their keys, in DynamoDB's own form as texts. */
export type Items = Readonly<Record<string, string>>;

export const nameOf = ({ pk, sk }: Key): string => `${pk}/${sk}`;

export const textOf = (item: object): string => JSON.stringify(marshall(item));

export function read<T>(items: Items, key: Key): T | undefined {
  const text = items[nameOf(key)];
  return text === undefined ? undefined : (unmarshall(JSON.parse(text)) as T);
}

type Marshalled = ReturnType<typeof marshall>;
type Done = (error: unknown, answer?: { readonly Attributes?: Marshalled }) => void;

/** What is used of dynalite: an action, and the check that reads its expressions. */
interface Action {
  readonly run: (store: object, input: object, done: Done) => void;
  readonly check: (input: object, store: object) => unknown;
}

const require = createRequire(import.meta.url);
const db = require("dynalite/db") as { updateIndexes: UpdateIndexes };

type UpdateIndexes = (store: object, table: object, old: object, now: object, done: Done) => void;

/** Makes a call that updates no index; databases of the same worker have theirs. */
function withoutIndexes(call: () => void): void {
  const { updateIndexes } = db;
  db.updateIndexes = (_store, _table, _old, _now, done) => done(null);
  try {
    call();
  } finally {
    db.updateIndexes = updateIndexes;
  }
}

const actionOf = (name: string): Action => ({
  run: require(`dynalite/actions/${name}`) as Action["run"],
  check: (require(`dynalite/validations/${name}`) as { custom: Action["check"] }).custom,
});
const ACTIONS = {
  update: actionOf("updateItem"),
  put: actionOf("putItem"),
  delete: actionOf("deleteItem"),
};

const TABLE = {
  TableName: "items",
  KeySchema: [
    { AttributeName: "pk", KeyType: "HASH" },
    { AttributeName: "sk", KeyType: "RANGE" },
  ],
  AttributeDefinitions: [
    { AttributeName: "pk", AttributeType: "S" },
    { AttributeName: "sk", AttributeType: "S" },
  ],
};

const inputOf = ({ key, item, update, condition, names, values, returns }: Call) => ({
  TableName: TABLE.TableName,
  ...(key && { Key: marshall(key) }),
  ...(item && { Item: marshall(item) }),
  ...(update && { UpdateExpression: update }),
  ...(condition && { ConditionExpression: condition }),
  ...(names && { ExpressionAttributeNames: names }),
  ...(values && { ExpressionAttributeValues: marshall(values) }),
  ...(returns && { ReturnValues: returns }),
});

interface Effect {
  readonly after: string | undefined;
  readonly answer: Answer;
}

/** The same call on the same item comes in thousands of orders. */
const effects = new Map<string, Effect>();

/** Executes a call as DynamoDB would; returns the items that are there then, and the answer. */
export function execute(items: Items, call: Call): { items: Items; answer: Answer } {
  if (call.action === "get")
    return { items, answer: { ok: true, attributes: call.key && read(items, call.key) } };
  if (call.action === "erase") {
    const gone = new Set(call.keys?.map(nameOf));
    const left = Object.entries(items).filter(([name]) => !gone.has(name));
    return { items: Object.fromEntries(left), answer: { ok: true } };
  }
  const key = call.key ?? call.item;
  const name = key ? nameOf(key) : "";
  const before = items[name];
  const known = `${before} ${JSON.stringify(call, (_, held) => (held instanceof Set ? [...held] : held))}`;
  const effect = effects.get(known) ?? run(call.action, call, before);
  effects.set(known, effect);
  const { [name]: _, ...others } = items;
  return {
    items: effect.after === undefined ? others : { ...others, [name]: effect.after },
    answer: effect.answer,
  };
}

/** dynalite's own actions, on one item instead of its database. */
function run(action: keyof typeof ACTIONS, call: Call, before: string | undefined): Effect {
  const { run: act, check } = ACTIONS[action];
  let after = before;
  let answer: Answer | undefined;
  const itemDb = {
    lock: (_key: string, critical: (release: (done: Done) => Done) => void) =>
      critical((done) => done),
    get: (_key: string, done: (error: unknown, item?: unknown) => void) =>
      after === undefined
        ? done(Object.assign(new Error(), { name: "NotFoundError" }))
        : done(null, JSON.parse(after)),
    put(_key: string, item: unknown, done: () => void) {
      after = JSON.stringify(item);
      done();
    },
    del(_key: string, done: () => void) {
      after = undefined;
      done();
    },
  };
  const store = {
    options: { maxItemSize: 409_600 },
    getTable: (_name: string, done: (error: unknown, table: object) => void) => done(null, TABLE),
    getItemDb: () => itemDb,
  };
  const input = inputOf(call);
  const invalid = check(input, store);
  if (invalid) throw new Error(JSON.stringify(invalid));
  withoutIndexes(() =>
    act(store, input, (error, result) => {
      if (error && !/ConditionalCheckFailed/.test(JSON.stringify(error))) throw error;
      const attributes = result?.Attributes && unmarshall(result.Attributes);
      answer = error ? { ok: false } : { ok: true, ...(attributes && { attributes }) };
    }),
  );
  if (answer === undefined) throw new Error("dynalite did not answer at once");
  return { after, answer };
}
