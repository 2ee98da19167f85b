import type { Rules } from "./rules.ts";
import type { Member, State, Target } from "./world.ts";

const keyOf = ({ keys }: Pick<Rules, "keys">, n: number): string =>
  keys === "epoch" ? String(n) : "sid";

/** Puts a member or its tombstone, unless a later command has written it. */
export function putMember(
  state: State,
  rules: Rules,
  room: string,
  member: Member,
  isConditional = true,
): void {
  const key = keyOf(rules, member.n);
  const existing = state.members[room]?.[key];
  if (isConditional && existing !== undefined && existing.stamp > member.stamp) return;
  state.members[room] = { ...state.members[room], [key]: member };
}

export function deleteMember(state: State, rules: Rules, room: string, n: number): void {
  const { [keyOf(rules, n)]: _, ...others } = state.members[room] ?? {};
  state.members[room] = others;
}

/** Whoever learned that the recovery is complete notes it, if the item is still there. */
export function settleMember(state: State, rules: Rules, room: string, n: number): void {
  const key = keyOf(rules, n);
  const member = state.members[room]?.[key];
  if (member?.n === n)
    state.members[room] = { ...state.members[room], [key]: { ...member, fresh: false } };
}

/** The members that a query sees: it skips tombstones. */
export const membersOf = ({ members }: State, room: string): readonly Member[] =>
  Object.values(members[room] ?? {}).filter(({ released }) => released === undefined);

/** Of one session the member of its newest connection counts. */
export const newest = <T extends Target>(members: readonly T[]): T | undefined =>
  members.reduce<T | undefined>((top, each) => (top && top.n > each.n ? top : each), undefined);

/** Detaches the session on the condition that its connection is still that one; returns what it lists. */
export function detach(
  { session }: State,
  { n, connection }: Target,
): readonly string[] | undefined {
  if (session.connection !== connection || session.n !== n || session.state === "detached")
    return undefined;
  session.state = "detached";
  return [...Object.keys(session.rooms), ...Object.keys(session.released)];
}

interface Erasing {
  pc: string;
  target?: Target | undefined;
  erase?: readonly string[] | undefined;
  after?: string | undefined;
}

/** One delete of a batch, which has no conditions. */
export function erase(state: State, proc: Erasing, rules: Rules): void {
  const [room, ...others] = proc.erase ?? [];
  if (room !== undefined && proc.target) deleteMember(state, rules, room, proc.target.n);
  proc.erase = others;
  if (others.length > 0) return;
  proc.pc = proc.after ?? "end";
  proc.erase = undefined;
  proc.after = undefined;
}
