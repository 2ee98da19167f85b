import type { Rules } from "./rules.ts";
import { type Offset, partFor, type Recovery, type Stamp, type State } from "./world.ts";

/** an answered ping shows that all that was posted before it has come, whatever the last packet was. */
export const later = (offset: Offset | null, ponged: Stamp): Offset | null =>
  ponged.length > (offset?.base.length ?? 0) ? { id: null, ...offset, base: ponged } : offset;

/** Whether something is pruned that was not surely over before the client's last packet. */
export const isPrunedFor = ({ pruned }: State, { from }: Recovery): boolean =>
  pruned.some((id) => !from?.base.includes(`T${id}`));

/** Whether the client surely has a packet. */
export function hasReceived(id: number, { from, marked }: Recovery, rules: Rules): boolean {
  if (from === null) return false;
  if (id === from.id || id === from.anchor) return true;
  if (rules.resume === "id") return id <= (from.id ?? 0);
  const part = marked.find((each) => each.startsWith(`${id}.`));
  // What has no mark was over when its deadline had passed.
  const over = part ?? `T${id}`;
  const isAhead = from.at === undefined && part !== undefined && id < (from.id ?? 0);
  if (!rules.margin && isAhead) return true;
  if (from.base.includes(over)) return true;
  return from.upTo !== undefined && id <= from.upTo && from.at?.includes(over) === true;
}

/** The marks of a packet that count for the session: the one of its key range. */
export const marksOf = (id: number, state: State, { ranges }: Rules): readonly string[] => {
  const own = partFor(state, id);
  return state.marks.filter((part) =>
    ranges === "between" ? part === own : part.startsWith(`${id}.`),
  );
};

/** The offset of a replayed packet: what has come before it, in a form that needs no state. */
export function offsetOf(id: number, proc: Recovery): Omit<Offset, "id"> {
  const { from, queried, again, last } = proc;
  const base = from?.base ?? [];
  const anchor = from?.anchor ?? (from?.at === undefined ? (from?.id ?? undefined) : undefined);
  const kept = { base, anchor, upTo: from?.upTo ?? 0, at: from?.at ?? [] };
  if (again) return last ?? kept;
  if (from?.upTo !== undefined && id <= from.upTo) return kept;
  return { base, anchor, upTo: id, at: queried ?? [] };
}
