import { deaths, heartbeat, network, returns, steps } from "./actions.ts";
import { complain, read } from "./client.ts";
import type { Model } from "./explore.ts";
import { membersOf, newest } from "./members.ts";
import type { Rules } from "./rules.ts";
import { initialState, type Scenario } from "./scenarios.ts";
import { passing } from "./time.ts";
import { idOf, type Process, type State } from "./world.ts";

/** A session, its client and all who post to it: each step is one AWS call, or one look at the clock. */
export const modelOf = (scenario: Scenario, rules: Rules): Model<State> => ({
  initial: initialState(scenario, rules),
  copy,
  actions: (state) =>
    state.renewed
      ? []
      : [
          ...steps(state, rules, scenario),
          ...deaths(state, scenario),
          ...network(state, scenario),
          ...returns(state),
          ...passing(state, rules, scenario),
          ...heartbeat(state, rules),
        ],
  inspect,
});

const each = <T extends object>(held: Record<string, T>): Record<string, T> => {
  const copied: Record<string, T> = {};
  for (const key in held) copied[key] = { ...held[key] } as T;
  return copied;
};

const copy = (state: State): State => ({
  ...state,
  procs: each<Process>(state.procs),
  session: { ...state.session },
  members: { ...state.members },
  log: { ...state.log },
  connections: each(state.connections),
  client: { ...state.client },
});

/** Findings that the contract allows begin with this. */
export const isAllowed = (finding: string): boolean =>
  finding.startsWith("TWICE") && finding !== `TWICE: ${NO_EXCUSE}`;

const NO_EXCUSE = "without an excuse";

/** Looks at a state in which nobody is at work, as it is once the client has read all frames. */
function inspect(state: State): readonly string[] {
  if (state.renewed)
    return state.pruned.length === 0 ? [...state.wrong, "a new session without need"] : state.wrong;
  const { procs, client, connections } = state;
  const connection = connections[client.connection ?? 0];
  const isAtWork = Object.values(procs).some(
    ({ kind, pc }) => kind !== "late" && !(kind === "disconnect" && pc === "detach"),
  );
  if (isAtWork || connection === undefined || connection.gone) return state.wrong;
  const final = copy(state);
  read(final, connection.frames);
  for (const [id, times] of Object.entries(final.client.got))
    if (times > 1) complain(final, `TWICE: ${excuseOf(state, Number(id))}`);
  for (const id of state.due.map(idOf))
    if (!final.client.got[id] && !state.died.includes(id)) complain(final, "LOST");
  return [...final.wrong, ...listing(state)];
}

/** Whether the session is listed where it is, and nowhere else. */
function listing(state: State): readonly string[] {
  const { session, client, promised, died } = state;
  return Object.keys(state.members).flatMap((room) => {
    const top = newest(membersOf(state, room));
    const isListed = top?.n === session.n && top.connection === client.connection;
    const isNoted = room in session.rooms;
    if (isNoted && promised.includes(room) && !isListed) return ["DEAF"];
    return !isNoted && isListed && !died.includes("leave") ? ["STRAY"] : [];
  });
}

/** Why a packet may have come twice. */
function excuseOf({ hot, died, doubt }: State, id: number): string {
  if (hot === null) return "for a reason not looked for here";
  if (died.includes(id)) return "its broadcaster died";
  if (doubt.includes(id)) return "its post had no answer";
  if (hot.cut.includes(id)) return "it was being posted when the connection was cut";
  if (hot.return.includes(id)) return "it was being posted when the client returned";
  if (hot.last.includes(id)) return "it was posted at the same time as the last one received";
  if (died.includes("recovery")) return "a recovery died";
  return NO_EXCUSE;
}
