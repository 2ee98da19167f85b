import { collectionAt, type Watched } from "#mudbase/model/query.ts";
import { collectionRoom } from "#mudbase/rooms.ts";
import type { HeldQuery, Queries } from "#mudbase/store/queries.ts";
import type { Recall } from "#server/model/matching.ts";
import { isMatching } from "./matching.ts";

type Of = Queries["of"];

/** Steps of matching, as in `matching.ts`, for all that one socket has missed: about a second. */
const STEPS_A_RECALL = 10_000_000;

/** What live queries of a socket that comes back would have found: they are matched again. */
export async function recall(
  queries: Pick<Queries, "of">,
  ...[socket, claims]: Parameters<Of>
): Promise<Recall | undefined> {
  const found = claims.length === 0 ? [] : await queries.of(socket, claims);
  if (found.length === 0) return undefined;
  const byRoom = new Map<string, HeldQuery[]>();
  for (const query of found) {
    const { projectId, collectionId } = collectionAt(query.place);
    const room = collectionRoom(projectId, collectionId);
    byRoom.set(room, [...(byRoom.get(room) ?? []), query]);
  }
  let left = STEPS_A_RECALL;
  const matches = (query: HeldQuery, { documents }: Watched): boolean => {
    if (left < 0) return false;
    const { isMatch, steps } = isMatching(query, documents);
    left -= steps;
    return isMatch;
  };
  return {
    rooms: [...byRoom.keys()],
    copies: (room, criteria) =>
      (byRoom.get(room) ?? [])
        .filter((query) => matches(query, criteria as Watched))
        .map(({ queryId, since }) => ({ field: ["queryId", queryId], since })),
    isExhausted: () => left < 0,
  };
}
