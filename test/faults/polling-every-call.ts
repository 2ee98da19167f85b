import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { connectPacket, QUERY, startPolling } from "./polling-client.ts";
import { answerIn, asked, numbersIn, type Scene, scenes } from "./polling-scene.ts";
import { createWorld, type Fault } from "./world.ts";

const world = await createWorld(inject("assembly"), { pollWait: 1 });
let cases = 0;
afterAll(async () => {
  console.info(`${cases} cases of a function of a client that polls that dies or fails`);
  await world.stop();
});
beforeEach(() => world.clearTable());

const { begin, linked, upgraded, comeBack, tell, join, expectOrdered, expectNothingLeft } =
  scenes(world);

interface Case {
  readonly title: string;
  readonly prepare?: (scene: Scene) => Promise<string>;
  readonly work: (scene: Scene, link: string) => Promise<unknown>;
  /** Whether its session ends by it. */
  readonly ends?: boolean;
}

const CASES: readonly Case[] = [
  { title: "a GET", work: ({ ann }) => ann.get() },
  {
    title: "a POST with an event",
    work: ({ ann }) => ann.post(asked(2, "custom:join", { room: "lobby" })),
  },
  {
    title: "a POST with two events",
    work: ({ ann }) =>
      ann.post(
        asked(2, "custom:join", { room: "lobby" }),
        asked(3, "custom:leave", { room: "lobby" }),
      ),
  },
  { title: "a POST with DISCONNECT and close", ends: true, work: ({ ann }) => ann.post("41", "1") },
  { title: "$connect of a link", work: ({ ann }) => ann.link().catch(() => 500) },
  {
    title: "a probe",
    prepare: async ({ ann }) => String(await ann.link()),
    work: (_, link) => world.send(link, "2probe"),
  },
  {
    title: "an upgrade for which packets wait",
    prepare: linked,
    work: (_, link) => world.send(link, "5"),
  },
  {
    title: "an upgrade for which nothing waits",
    async prepare(scene) {
      const link = await linked(scene);
      await scene.ann.drain();
      return link;
    },
    work: (_, link) => world.send(link, "5"),
  },
  {
    title: "$disconnect of a link before it has upgraded",
    prepare: linked,
    work: (_, link) => world.disconnect(link),
  },
  {
    title: "$disconnect of a link that has upgraded",
    prepare: upgraded,
    work: (_, link) => world.disconnect(link),
  },
  {
    title: "the first broadcast after an upgrade",
    prepare: upgraded,
    work: ({ ben }) => tell(ben, 2),
  },
  { title: "a broadcast", work: ({ ben }) => tell(ben, 2) },
  {
    title: "a revocation",
    ends: true,
    work: ({ org }) =>
      world.publish({ event: "revoke", org, target: { userId: "ann" } }).catch(() => undefined),
  },
];

/** Injects a fault at a call, and goes on as a client would; gives how many calls the work made. */
async function goThrough({ prepare, work, ends }: Case, call: number, fault: Fault | undefined) {
  cases += 1;
  const scene = await begin();
  const { ann, ben, sid } = scene;
  await tell(ben, 1);
  const link = (await prepare?.(scene)) ?? "";
  const { calls } = await world.withFault(call, fault, () => work(scene, link));
  const at = [call, fault];
  // Ben may have been cut: nobody knows what he has got.
  const cal = await world.connect("cal", scene.org);
  await join(cal);
  await tell(cal, 3);
  await ann.drain();
  expectOrdered(ann.frames(), at);
  const all = new Set(numbersIn(ann.frames()));
  const back = await comeBack(scene, ann.frames(), call % 2 === 0);
  await tell(cal, 4);
  const frames = await back.frames();
  expectOrdered(frames, at);
  const connectionIds = [ben, cal, ann.connectionId, link, back.connectionId];
  if (ends) return { calls, connectionIds };
  expect([at, answerIn(frames).sid]).toEqual([at, sid]);
  for (const n of numbersIn(frames)) all.add(n);
  // A broadcast that has failed was told to nobody, or to everybody.
  const told = [1, ...(all.has(2) ? [2] : []), 3, 4];
  expect([at, ...[...all].toSorted()]).toEqual([at, ...told]);
  return { calls, connectionIds };
}

/** Injects these faults at each call of what polling and its upgrade consist of. */
export const survivesPolling = (...faults: readonly Fault[]): void =>
  describe.each(faults)("if a call %s", (fault) => {
    test.each(CASES)("$title loses nothing, doubles nothing, and leaves nothing", async (one) => {
      const first = await goThrough(one, 0, undefined);
      const all = [...first.connectionIds];
      for (let call = 1; call <= first.calls; call += 1)
        all.push(...(await goThrough(one, call, fault)).connectionIds);
      await expectNothingLeft(all.filter((id) => id !== ""));
    });

    test("a handshake is answered or fails, and leaves nothing", async () => {
      const shake = () => world.request({ query: QUERY }).catch(() => undefined);
      const { calls } = await world.withFault(0, undefined, shake);
      for (let call = 1; call <= calls; call += 1) await world.withFault(call, fault, shake);
      await expectNothingLeft([]);
    });

    test("a POST with CONNECT is answered at most once, and leaves nothing", async () => {
      const all: string[] = [];
      for (let [call, calls] = [0, 1]; call <= calls; call += 1) {
        const ann = await startPolling(world);
        all.push(ann.connectionId);
        const how = call === 0 ? undefined : fault;
        let status = 500;
        const connecting = async () => {
          ({ status } = await ann.post(connectPacket("ann", "org")));
        };
        const made = await world.withFault(call, how, connecting);
        if (call === 0) ({ calls } = made);
        await ann.drain();
        const answers = ann.frames().filter((text) => text.startsWith("40"));
        expect(answers.length).toBeLessThanOrEqual(1);
        // Cut, or answered: it does not wait for what never comes, as long as somebody can tell.
        if (answers.length === 0 && status === 200 && !fault.startsWith("dies"))
          expect([call, (await ann.get()).status]).toEqual([call, 400]);
      }
      await expectNothingLeft(all);
    });
  });
