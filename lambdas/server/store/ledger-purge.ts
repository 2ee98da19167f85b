import { LATEST_WRITE } from "#server/model/limits.ts";
import type { Claim, StoredSession } from "#server/model/session.ts";
import { EXISTS } from "./connections.ts";
import { sessionKey } from "./keys.ts";
import { memberKeys, type RoomLimits, releasedIn, stampOf } from "./session-item.ts";
import { chunks, type Storage } from "./table.ts";

/** Tries of a command that finds the record changed each time it has read why it was refused. */
export const TRIES = 5;

/** Entries of `released` that one update forgets: DynamoDB takes expressions of 4 KB. */
const ENTRIES_AN_UPDATE = 30;

/** Deletes what belongs to rooms and claims that a session has released, unless its stamp is above `upTo`. */
export type Forget = (
  session: StoredSession,
  released: { readonly rooms: readonly string[]; readonly claims: readonly Claim[] },
  upTo: number,
) => Promise<void>;

/** What the ledger is kept with. */
export interface Kit extends Storage {
  readonly limits: RoomLimits;
  readonly forget: Forget;
}

export function giveUp(command: string): never {
  throw new Error(`a session changed each time that a ${command} was tried`);
}

function stale(
  { now }: Kit,
  { released }: StoredSession,
): readonly (readonly [note: string, stamp: number])[] {
  const before = stampOf(now() - LATEST_WRITE);
  return [...released].filter(([, stamp]) => stamp < before);
}

/** Forgets what was released so long ago that no command before it can still come; `false` where there is nothing such. */
export async function purge(kit: Kit, known: StoredSession): Promise<boolean> {
  const entries = stale(kit, known);
  if (entries.length === 0) return false;
  const notes = entries.map(([note]) => note);
  await kit.forget(known, releasedIn(notes), Math.max(...entries.map(([, stamp]) => stamp)));
  for (const some of chunks(entries, ENTRIES_AN_UPDATE)) await forgetEntries(kit, known.sid, some);
  return true;
}

/** Forgets connections that others have replaced so long ago that nothing is written under them any more, once nothing is listed so. */
export async function purgeEpochs({ table, now }: Kit, known: StoredSession): Promise<void> {
  const epochs = [...known.epochs].toSorted(([one], [other]) => one - other);
  const before = now() - LATEST_WRITE;
  const old = epochs.flatMap(([epoch], index) =>
    Number(epochs[index + 1]?.[1]) < before ? [epoch] : [],
  );
  if (old.length === 0) return;
  await table.writeAll([], memberKeys(known, [...known.rooms, ...known.left], old));
  await table.update(sessionKey(known.sid), {
    update: `REMOVE ${old.map((_, index) => `epochs.#n${index}`).join(", ")}`,
    condition: EXISTS,
    names: Object.fromEntries(old.map((epoch, index) => [`#n${index}`, `${epoch}`])),
    isRepeatable: true,
  });
}

async function forgetEntries(
  { table }: Kit,
  sid: string,
  entries: readonly (readonly [note: string, stamp: number])[],
): Promise<void> {
  const paths = entries.map((_, index) => `released.#n${index}`);
  await table.update(sessionKey(sid), {
    update: `REMOVE ${paths.join(", ")}`,
    condition: paths
      .map((path, index) => `(attribute_not_exists(${path}) OR ${path} = :n${index})`)
      .join(" AND "),
    names: Object.fromEntries(entries.map(([note], index) => [`#n${index}`, note])),
    values: Object.fromEntries(entries.map(([, stamp], index) => [`:n${index}`, stamp])),
    isRepeatable: true,
  });
}
