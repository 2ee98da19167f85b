import type { World } from "../faults/world.ts";

/** Acknowledgements that were asked for: each has an id of its own. */
let asked = 0;

/** Sends an event of a socket of the world, and resolves with its acknowledgement. */
export async function ask(
  world: World,
  connectionId: string,
  event: string,
  payload?: unknown,
): Promise<unknown> {
  // No two events come in one millisecond, so that it is known which is the later one.
  world.pass(1);
  asked += 1;
  const answer = `43${asked}[`;
  await world.send(connectionId, `42${asked}${JSON.stringify([event, payload])}`);
  const answers = world.framesOf(connectionId).filter((frame) => frame.startsWith(answer));
  if (answers.length > 1) throw new Error(`${event} was answered ${answers.length} times`);
  return answers[0] === undefined ? undefined : JSON.parse(answers[0].slice(answer.length - 1))[0];
}

/** The names and payloads of the events that a socket of the world has received. */
export const eventsReceivedBy = (
  world: World,
  connectionId: string,
): readonly [string, unknown][] =>
  world
    .framesOf(connectionId)
    .filter((frame) => frame.startsWith("42"))
    .map((frame) => JSON.parse(frame.slice("42".length)));

/** The payloads of the events of one name among them. */
export const payloadsOf = (world: World, connectionId: string, name: string): readonly unknown[] =>
  eventsReceivedBy(world, connectionId)
    .filter(([event]) => event === name)
    .map(([, payload]) => payload);

/** The session id that a connection's CONNECT was answered with. */
export function sidOf(world: World, connectionId: string): string {
  const answer = world.framesOf(connectionId).findLast((frame) => frame.startsWith("40{"));
  return (JSON.parse(answer?.slice("40".length) ?? "{}") as { sid: string }).sid;
}
