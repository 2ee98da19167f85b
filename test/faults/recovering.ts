import { CONNECTION_ITEM } from "../support/connection-items.ts";
import type { World } from "./world.ts";

/** What CONNECT was answered. */
interface Answered {
  readonly sid: string;
  readonly pid: string;
}

/** An event that a connection was sent: its name, its arguments, and an offset where it has one. */
type Sent = readonly [name: string, payload: object, offset?: string];

/** What tests of sockets that come back say of a world. */
export function recovering(world: World) {
  const read = reading(world);
  const { connected, offsetOf } = read;
  let orgs = 0;
  const newOrg = (): string => `org-${++orgs}`;

  /** Comes back with the offset of the last event that a connection was sent. */
  const comeBack = (userId: string, org: string, from: string, pid: string) =>
    world.connect(userId, org, {}, { pid, offset: offsetOf(from) });

  const join = (connectionId: string, room = "corner") =>
    world.send(connectionId, `421["custom:join",{"room":"${room}"}]`);

  /** Broadcasts a number, some time after whatever was before. */
  async function tell(connectionId: string, n: number, room = "corner"): Promise<void> {
    world.pass(1000);
    const news = { projectId: "p1", event: "news", room, payload: { n } };
    await world.send(connectionId, `422["custom:broadcast",${JSON.stringify(news)}]`);
    world.pass(1000);
  }

  /** Two people in one room of an organisation of their own. */
  async function people() {
    const org = newOrg();
    const ann = await world.connect("ann", org);
    const ben = await world.connect("ben", org);
    for (const one of [ann, ben]) await join(one);
    return { org, ann, ben, ...connected(ann) };
  }

  /** Says who is in the chat `club`. */
  const putClub = (org: string, members: readonly string[]) =>
    world.publish({
      ...{ event: "chat:put", org },
      chat: { projectId: "p1", chatId: "club", name: "Club", members },
    });

  const joinClub = (connectionId: string) =>
    world.send(connectionId, '421["chat:join",{"projectId":"p1","chatId":"club"}]');

  /** Ann, who was in the chat `club` and has lost her connection. */
  async function awayFromClub() {
    const org = newOrg();
    await putClub(org, ["ann", "ben"]);
    const ann = await world.connect("ann", org);
    await joinClub(ann);
    await world.disconnect(ann);
    return { org, ann, ...connected(ann) };
  }

  return { ...read, newOrg, comeBack, join, tell, people, putClub, joinClub, awayFromClub };
}

/** What a world's connections were sent, and what its table holds. */
function reading(world: World) {
  const connected = (connectionId: string): Answered => {
    const [first = ""] = world.framesOf(connectionId);
    return JSON.parse(first.slice("40".length)) as Answered;
  };

  const events = (connectionId: string) =>
    world
      .framesOf(connectionId)
      .filter((frame) => frame.startsWith("42"))
      .map((frame) => JSON.parse(frame.slice(frame.indexOf("["))) as Sent);

  const heard = (connectionId: string) =>
    events(connectionId)
      .filter(([name]) => name === "custom:news")
      .map(([, payload]) => (payload as { readonly n: number }).n);

  /** What a stock client takes for its last offset: the text that came last in an event. */
  const offsetOf = (connectionId: string): string | undefined => {
    const texts = events(connectionId).map((event) => event.at(-1));
    return texts.findLast((text) => typeof text === "string");
  };

  const recordsOf = async (sid: string) =>
    (await world.items()).filter(
      ({ pk, sk }) => pk === `sess#${sid}` || String(sk).startsWith(sid),
    );

  const recordOf = async (sid: string) =>
    (await world.items()).find(({ pk, sk }) => pk === `sess#${sid}` && sk === "sess");

  /** The rooms that a session is in, as its record has them: each after a mark. */
  const roomsOf = async (sid: string) =>
    Object.keys((await recordOf(sid))?.rooms ?? {}).map((note) => note.slice(1));

  /** What is left of connections and sessions once these are closed and all has been swept twice. */
  async function leftAfter(connectionIds: readonly string[]) {
    for (const connectionId of connectionIds) await world.disconnect(connectionId);
    for (let again = 0; again < 2; again += 1) await world.sweep();
    return (await world.items()).filter(({ pk }) => CONNECTION_ITEM.test(String(pk)));
  }

  return { connected, events, heard, offsetOf, leftAfter, recordsOf, recordOf, roomsOf };
}
