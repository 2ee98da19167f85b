import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  collectionRoom,
  customRoom,
  documentRoom,
  isPresenceRoom,
  orgRoom,
  presenceAudience,
  presenceRoom,
  projectRoom,
  userRoom,
} from "../../lambdas/mudbase/rooms.ts";
import { presenceKey, queryKey } from "../../lambdas/mudbase/store/keys.ts";
import { Id } from "../../lambdas/server/model/id.ts";
import { memberKey, revocationKey } from "../../lambdas/server/store/keys.ts";

const id = fc
  .oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 12 }),
    fc.stringMatching(/^[#%a-c23]{1,6}$/),
  )
  .filter((text) => Id.safeParse(text).success);

const differ = (make: (...ids: string[]) => unknown, count: number) =>
  fc.assert(
    fc.property(
      fc.array(id, { minLength: count, maxLength: count }),
      fc.array(id, { minLength: count, maxLength: count }),
      (a, b) => {
        const isSame = a.every((part, index) => part === b[index]);
        expect(JSON.stringify(make(...a)) === JSON.stringify(make(...b))).toBe(isSame);
      },
    ),
    { numRuns: 2000 },
  );

describe("no two lists of ids share a key", () => {
  test.each<[string, (...ids: string[]) => unknown, number]>([
    [
      "members",
      (org, nsp, user, conn) =>
        memberKey(
          { tenant: String(org), nsp: String(nsp), room: userRoom(String(user)) },
          String(conn),
          0,
        ),
      4,
    ],
    ["documents", (a, b, c) => documentRoom(String(a), String(b), String(c)), 3],
    [
      "presence",
      (org, project, user) => presenceKey(String(org), presenceRoom(project), String(user)),
      3,
    ],
    [
      "queries",
      (org, p, c, q) =>
        queryKey(String(org), { projectId: String(p), collectionId: String(c) }, "conn", String(q)),
      4,
    ],
    ["revocations", (org, user) => revocationKey(String(org), userRoom(String(user))), 2],
  ])("%s", (_, make, count) => differ(make, count));
});

test("no name makes a room of one kind into one of another", () => {
  fc.assert(
    fc.property(id, id, id, (a, b, c) => {
      const rooms = [
        orgRoom,
        userRoom(a),
        projectRoom(a),
        collectionRoom(a, b),
        documentRoom(a, b, c),
        presenceRoom(),
        presenceRoom(a),
        customRoom(a),
      ];
      expect(new Set(rooms).size).toBe(rooms.length);
      expect(rooms.filter(isPresenceRoom)).toEqual([presenceRoom(), presenceRoom(a)]);
    }),
  );
});

test("the audience of presence is the project, or the organisation where it is online as a whole", () => {
  fc.assert(
    fc.property(id, (project) => {
      expect(presenceAudience(presenceRoom(project))).toBe(projectRoom(project));
    }),
  );
  expect(presenceAudience(presenceRoom())).toBe(orgRoom);
});
