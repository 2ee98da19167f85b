import { setTimeout as pause } from "node:timers/promises";
import type { Socket } from "socket.io-client";
import { afterAll, expect, test, vi } from "vitest";
import { type Random, randomFrom } from "../../local/random.ts";
import { newOrg } from "../support/people.ts";
import { CLIENTS, idOf, isReplayed, type Received, returning } from "../support/returning.ts";
import { startWithLimits } from "../support/running.ts";

/** So few because each costs a handshake and two functions, a tenth of a second. */
const CUTS = 60;
const SENDERS = 10;
/** Milliseconds between two events of a sender, on average. */
const THINK_TIME = 800;
const p1 = { projectId: "p1" };

/** Milliseconds by which clocks may differ, and which a function of a busy machine takes to note that its posts are over. */
const MARGIN = 1500;

const failures: string[] = [];
// With this, other functions post to a part of the room, and a third of $disconnect is never called.
const stack = await startWithLimits(
  { fanOutPage: 6 },
  (line) => void (line.includes('"ERROR"') && failures.push(line)),
  { loseDisconnects: 1 / 3 },
);
afterAll(() => stack.stop());

/** When the last post of each packet to those who are connected was over, by its id. */
function watchPosts(): ReadonlyMap<string, number> {
  const ends = new Map<string, number>();
  const { post } = stack.gateway;
  vi.spyOn(stack.gateway, "post").mockImplementation(async (connectionId, frame) => {
    const answer = await post(connectionId, frame);
    if (!frame.startsWith('42["custom:event"')) return answer;
    const event = JSON.parse(frame.slice("42".length)) as Received;
    if (!isReplayed(event)) ends.set(idOf(event), Date.now());
    return answer;
  });
  return ends;
}

/** What the last event of a client says of those before it. */
interface Known {
  readonly isReplayed: boolean;
  /** The visit in which it came. */
  readonly visit: number;
  /** When the posts of the last one began that was not replayed. */
  readonly posted: number;
}

/** The time from a cut to the next one. */
interface Visit {
  readonly from: number;
  readonly known: Known;
}

interface Receipt {
  readonly event: Received;
  readonly visit: number;
  /** Whether it came after the cut, when the client had stopped to listen. */
  readonly isLate: boolean;
}

/** A client that is cut, and what it has received. */
interface CutClient {
  readonly name: string;
  readonly socket: Socket;
  readonly receipts: Receipt[];
  readonly visits: Visit[];
  /** The visits in which it was another socket. */
  readonly strangers: number[];
  readonly finished: Promise<void>;
}

/** Cuts a client this often: before its CONNECT is answered, when it is, or after some events. */
function cutAgainAndAgain(name: string, socket: Socket, cuts: number, random: Random): CutClient {
  const start = Date.now();
  let known: Known = { isReplayed: false, visit: 0, posted: start };
  const visits: Visit[] = [{ from: start, known }];
  const receipts: Receipt[] = [];
  const strangers: number[] = [];
  let [isAnswered, live, wanted] = [true, 0, 1];
  let finish = () => {};
  const finished = new Promise<void>((resolve) => (finish = resolve));

  function cut(): void {
    if (visits.length > cuts) {
      finish();
      return;
    }
    visits.push({ from: Date.now(), known });
    [isAnswered, live, wanted] = [false, 0, Math.floor(random() * 6) - 1];
    socket.io.engine.close();
  }

  socket.io.reconnectionDelay(1).reconnectionDelayMax(1);
  // Once its CONNECT is sent.
  socket.io.on("open", () => wanted === -1 && queueMicrotask(cut));
  socket.on("connect", () => {
    isAnswered = true;
    if (!socket.recovered) strangers.push(visits.length - 1);
    if (wanted === 0) cut();
  });
  socket.onAny((...event: Received) => {
    const visit = visits.length - 1;
    receipts.push({ event, visit, isLate: !isAnswered });
    const posted = isReplayed(event) ? known.posted : Number(String(event.at(-1)).split(".")[1]);
    known = { isReplayed: isReplayed(event), visit, posted };
    // Most replays are whole.
    live += isReplayed(event) && random() < 0.8 ? 0 : 1;
    if (isAnswered && live >= wanted && wanted > 0) cut();
  });
  return { name, socket, receipts, visits, strangers, finished };
}

const numberOf = (event: Received) => (event[1] as { readonly n: number }).n;

/** Sends events at random times, each after the one before it was acknowledged, until it is told to stop. */
async function send(socket: Socket, random: Random, next: () => number | undefined): Promise<void> {
  for (let n = next(); n !== undefined; n = next()) {
    await socket.emitWithAck("custom:event", { ...p1, n });
    await pause(random() * 2 * THINK_TIME);
  }
}

/** An event that came again, and how it came before. */
interface Copy {
  readonly first: Receipt;
  readonly again: Receipt;
}

function copiesOf({ receipts }: CutClient): readonly Copy[] {
  const seen = new Map<string, Receipt>();
  return receipts.flatMap((again) => {
    const first = seen.get(idOf(again.event));
    seen.set(idOf(again.event), again);
    return first === undefined ? [] : { first, again };
  });
}

/** Whether a copy's posts went on when those of the last event began, or while the client was away (contract, section 5). */
function isExcused(
  { first, again }: Copy,
  visits: readonly Visit[],
  ends: ReadonlyMap<string, number>,
): boolean {
  if (first.isLate) return true;
  const { known } = visits[again.visit] as Visit;
  const isInReplay =
    first.visit === again.visit || (known.isReplayed && first.visit === known.visit);
  const from = isInReplay ? Number(visits[first.visit]?.from) : known.posted;
  return Number(ends.get(idOf(again.event))) + MARGIN >= from;
}

test(`clients that are cut ${CUTS} times under broadcasts that overlap lose nothing, and get twice only what was posted meanwhile`, async () => {
  const org = newOrg();
  const random = randomFrom(1);
  const clients: CutClient[] = [];
  for (const [name, using] of CLIENTS) {
    const { socket, emit } = await returning(stack, { org, sub: name }, using, true);
    await emit("subscribe:project", p1);
    clients.push(cutAgainAndAgain(name, socket, CUTS / CLIENTS.length, random));
  }
  const senders: Socket[] = [];
  for (let n = 0; n < SENDERS; n += 1) {
    const { socket, emit } = await returning(stack, { org, sub: `sender-${n}` });
    await emit("subscribe:project", p1);
    senders.push(socket);
  }
  const ends = watchPosts();

  let sent = 0;
  let isOver = false;
  const sending = senders.map((socket) =>
    send(socket, random, () => (isOver ? undefined : sent++)),
  );
  await Promise.all(clients.map(({ finished }) => finished));
  isOver = true;
  await Promise.all(sending);
  await vi.waitUntil(() => clients.every(({ socket }) => socket.connected));
  await stack.idle();
  for (const { socket } of clients) await socket.emitWithAck("presence:update");

  for (const client of clients) {
    const { name, receipts, visits, strangers } = client;
    const numbers = new Set(receipts.map(({ event }) => numberOf(event)));
    const lost = Array.from({ length: sent }, (_, n) => n).filter((n) => !numbers.has(n));
    expect({ name, lost, strangers }).toEqual({ name, lost: [], strangers: [] });
    const copies = copiesOf(client);
    expect(copies.filter((copy) => !isExcused(copy, visits, ends))).toEqual([]);
    if (name === "the typed client") expect(copies).toEqual([]);
  }
  expect(failures).toEqual([]);
}, 120_000);
