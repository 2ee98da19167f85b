import { setTimeout as pause } from "node:timers/promises";
import type { Socket } from "socket.io-client";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { broadcastOf, timeOf } from "../../lambdas/server/model/offset.ts";
import { CLOCK_MARGIN } from "../../lambdas/server/model/recovery.ts";
import { type Random, randomFrom } from "../../local/random.ts";
import { ARE_POLLING, answerTo, newOrg } from "../support/people.ts";
import { CLIENTS, idOf, isReplayed, type Received, returning } from "../support/returning.ts";
import { startWithLimits } from "../support/running.ts";
import { until } from "../support/until.ts";

/**
 * So few because each costs a handshake and two functions, a tenth of a second; over polling several requests, while
 * each of the senders waits in a function of its own, so that a return of many packets takes a machine long.
 */
const [CUTS, SENDERS] = ARE_POLLING ? [30, 4] : [60, 10];
/** Runs with other random numbers: one, or as many as are asked for. */
const SEEDS = Array.from({ length: Number(process.env.SEEDS ?? 1) }, (_, n) => n + 1);
/** Milliseconds between two events of a sender, on average. */
const THINK_TIME = 800;
const p1 = { projectId: "p1" };

const failures: string[] = [];
// With this, other functions post to a part of the room, and a third of $disconnect is never called.
const stack = await startWithLimits(
  { fanOutPage: 6 },
  (line) => void (line.includes('"ERROR"') && failures.push(line)),
  { loseDisconnects: 1 / 3 },
);
afterEach(() => vi.restoreAllMocks());
afterAll(() => stack.stop());

/** When the last post of each packet to those who are connected by WebSocket was over, by its id. */
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

/**
 * When it was noted last that posts of a broadcast were over, by its id: what has not been noted yet may come again,
 * however long the function that has posted it takes for that.
 */
function watchMarks(): ReadonlyMap<string, number> {
  const marked = new Map<string, number>();
  const { answer } = stack.database;
  vi.spyOn(stack.database, "answer").mockImplementation(async (request, response, body) => {
    await answer(request, response, body);
    for (const [, broadcast = ""] of String(body).matchAll(/"sk":\{"S":"(\w{26})!/g))
      marked.set(broadcast, Date.now());
  });
  return marked;
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
  // What comes late belongs to the visit before.
  let [answered, isAnswered, live, wanted] = [0, true, 0, 1];
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
    [answered, isAnswered] = [visits.length - 1, true];
    if (!socket.recovered) strangers.push(visits.length - 1);
    if (wanted === 0) cut();
  });
  socket.onAny((...event: Received) => {
    receipts.push({ event, visit: answered, isLate: !isAnswered });
    const posted = isReplayed(event) ? known.posted : Number(String(event.at(-1)).split(".")[1]);
    known = { isReplayed: isReplayed(event), visit: answered, posted };
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
    await answerTo(() => socket.emitWithAck("custom:event", { ...p1, n }));
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

/** Why an event may come again (contract, section 5). */
type Cause = "received after the cut" | "posted during the return" | "posted with the last one";

/** Epoch milliseconds at which the log was read of which an event was replayed; what remains of a replay keeps them. */
const readAtOf = (event: Received): readonly number[] =>
  isReplayed(event) ? [Number(String(event.at(-1)).split(".")[2])] : [];

/** Why a copy came: its posts were not known to be over when those of the last event began, or at the return. */
function causeOf(
  { first, again }: Copy,
  visits: readonly Visit[],
  marked: ReadonlyMap<string, number>,
): Cause | undefined {
  if (first.isLate) return "received after the cut";
  const { known } = visits[again.visit] as Visit;
  const isInReplay =
    first.visit === again.visit || (known.isReplayed && first.visit === known.visit);
  const returned = [...readAtOf(first.event), ...readAtOf(again.event)];
  const from = isInReplay ? Math.min(Number(visits[first.visit]?.from), ...returned) : known.posted;
  if (Number(marked.get(broadcastOf(idOf(again.event)))) + CLOCK_MARGIN < from) return undefined;
  return isInReplay ? "posted during the return" : "posted with the last one";
}

/** Whether packets of which one's posts were over before the other's began came in that order. */
function isInOrder({ receipts }: CutClient, ends: ReadonlyMap<string, number>): boolean {
  const ids = [...new Set(receipts.map(({ event }) => idOf(event)))];
  let latest = 0;
  return ids.every((id) => {
    latest = Math.max(latest, timeOf(id));
    return !(Number(ends.get(id)) + CLOCK_MARGIN < latest);
  });
}

/** How much was sent, received and received again, and why. */
function summary(
  clients: readonly CutClient[],
  sent: number,
  causes: readonly (Cause | undefined)[],
): string {
  const received = clients.reduce((sum, { receipts }) => sum + receipts.length, 0);
  const names = [...new Set(causes)];
  const counts = names.map((name) => `${causes.filter((one) => one === name).length} ${name}`);
  const copies = [`${causes.length} copies`, ...counts].join(", ");
  return `${CUTS} cuts, ${sent} sent, ${received} received, ${copies}`;
}

test.each(SEEDS)(
  `clients that are cut ${CUTS} times under broadcasts that overlap lose nothing, and get twice only what was posted meanwhile (seed %i)`,
  async (seed) => {
    const org = newOrg();
    const random = randomFrom(seed);
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
    const marked = watchMarks();

    let sent = 0;
    let isOver = false;
    const sending = senders.map((socket) =>
      send(socket, random, () => (isOver ? undefined : sent++)),
    );
    await Promise.all(clients.map(({ finished }) => finished));
    isOver = true;
    await Promise.all(sending);
    await until(() => clients.every(({ socket }) => socket.connected));
    await stack.idle();
    for (const { socket } of clients) await socket.emitWithAck("presence:update");

    const causes: (Cause | undefined)[] = [];
    for (const client of clients) {
      const { name, receipts, visits, strangers } = client;
      const numbers = new Set(receipts.map(({ event }) => numberOf(event)));
      const lost = Array.from({ length: sent }, (_, n) => n).filter((n) => !numbers.has(n));
      expect({ name, lost, strangers }).toEqual({ name, lost: [], strangers: [] });
      expect(isInOrder(client, ends)).toBe(true);
      const copies = copiesOf(client);
      causes.push(...copies.map((copy) => causeOf(copy, visits, marked)));
      if (name === "the typed client") expect(copies).toEqual([]);
    }
    console.info(summary(clients, sent, causes));
    expect(causes).not.toContain(undefined);
    expect(failures).toEqual([]);
  },
);
