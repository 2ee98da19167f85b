import type { Claim } from "#server/model/session.ts";
import type { Ledger } from "./adapter.ts";
import { EXISTS } from "./connections.ts";
import { sessionKey } from "./keys.ts";
import { giveUp, type Kit, purge, TRIES } from "./ledger-purge.ts";
import { CHURN, notNewer } from "./ledger-updates.ts";
import { claimNote, noteOf, type Recorded, readLiving, recordOf } from "./session-item.ts";
import { unlessFull } from "./table.ts";

/** A claim on its way: where something of this key is to be kept. */
interface Wanted {
  readonly key: string;
  readonly place: string;
  readonly stamp: number;
  readonly max: number;
}

/** Notes a claim, as of the command that was received last. */
export async function claim(kit: Kit, sid: string, wanted: Wanted): ReturnType<Ledger["claim"]> {
  const { key, place, stamp, max } = wanted;
  for (let tried = 0; tried < TRIES; tried += 1) {
    const kept = await unlessFull(kit.table.update(sessionKey(sid), placing(wanted)));
    if (kept === "full") return "full";
    if (kept !== undefined) return { stamp, places: placesOf(recordOf(kept), key) };
    const known = await readLiving(kit.table, sid);
    if (known === undefined) return "gone";
    const held = known.claims.find((one) => one.key === key);
    if (held === undefined && known.claims.length >= max) return "full";
    const isLater = Number(known.released.get(claimNote(key, place))) > stamp;
    if (isLater || (held !== undefined && !wins(wanted, held))) return undefined;
    if (held === undefined || held.place === place) continue;
    const moved = await unlessFull(kit.table.update(sessionKey(sid), moving(wanted, held)));
    if (moved === "full") return "full";
    if (moved !== undefined) return { stamp, places: placesOf(recordOf(moved), key) };
    if (known.released.size >= CHURN && !(await purge(kit, known))) return "churning";
  }
  return giveUp("claim");
}

/** Where something under a key may still be that was kept there before. */
const placesOf = (known: Recorded | undefined, key: string): readonly Recorded["gone"][number][] =>
  known?.gone.filter((claim) => claim.key === key) ?? [];

const namesOf = ({ key, place }: Wanted) => ({
  "#key": noteOf(key),
  "#item": claimNote(key, place),
});

/** Notes a claim that is new, or stays where it was. */
const placing = (wanted: Wanted) => ({
  update: "SET claims.#key = :entry REMOVE released.#item",
  condition: `${EXISTS} AND ${notNewer("released.#item")} AND ((attribute_not_exists(claims.#key) AND size(claims) < :max) OR (claims.#key.place = :place AND claims.#key.stamp <= :stamp))`,
  names: namesOf(wanted),
  values: {
    ...{ ":entry": { place: wanted.place, stamp: wanted.stamp }, ":place": wanted.place },
    ...{ ":stamp": wanted.stamp, ":max": wanted.max },
  },
  ...({ returns: "ALL_NEW", isRepeatable: true } as const),
});

/** Notes a claim that was at another place, of which the record knows as long as something may be there. */
const moving = (wanted: Wanted, held: Claim & { readonly stamp: number }) => ({
  update: "SET claims.#key = :entry, released.#old = :released REMOVE released.#item",
  condition: `${EXISTS} AND ${notNewer("released.#item")} AND claims.#key.place = :seen AND claims.#key.stamp = :seenStamp AND (attribute_exists(released.#old) OR size(released) < :churn)`,
  names: { ...namesOf(wanted), "#old": claimNote(wanted.key, held.place) },
  values: {
    ...{ ":entry": { place: wanted.place, stamp: wanted.stamp }, ":stamp": wanted.stamp },
    ...{ ":released": wanted.stamp + 1, ":churn": CHURN },
    ...{ ":seen": held.place, ":seenStamp": held.stamp },
  },
  ...({ returns: "ALL_NEW" } as const),
});

/** Of two claims of one time the greater place wins, whichever comes first. */
const wins = (
  one: { readonly place: string; readonly stamp: number },
  other: { readonly place: string; readonly stamp: number },
): boolean => one.stamp > other.stamp || (one.stamp === other.stamp && one.place >= other.place);
