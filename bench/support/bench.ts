import { readFileSync, writeFileSync } from "node:fs";
import { assemblyIn } from "../../local/assembly.ts";
import { measureBroadcasts } from "./broadcasts.ts";
import { measureColdStarts, measureExample } from "./cold-start.ts";
import { measureEvents, measureMemory } from "./events.ts";
import { measureFirstEvents } from "./first-events.ts";
import { measureLocally } from "./local-broadcasts.ts";
import { measurePosts } from "./posts.ts";
import { type Measured, plotBroadcasts, reportOf } from "./report.ts";

const DOCUMENT = "docs/performance.md";
const MARKS = ["<!-- begin npm run bench -->", "<!-- end npm run bench -->"] as const;

/** The counts of a run. */
const FULL = {
  posts: 4000,
  postRounds: 15,
  events: 5000,
  eventRounds: 5,
  rooms: [1, 10, 100, 1000, 10_000],
  broadcastRounds: 5,
  localRooms: [1, 10, 100],
  connections: 4000,
  starts: 20,
};
const QUICK: typeof FULL = {
  posts: 100,
  postRounds: 1,
  events: 100,
  eventRounds: 1,
  rooms: [1, 10, 1000],
  broadcastRounds: 1,
  localRooms: [1, 10],
  connections: 100,
  starts: 1,
};

/** Measures all, prints the tables, and writes them if asked to; throws if something could not be measured. */
export async function bench({ isQuick, writes }: { isQuick: boolean; writes: boolean }) {
  const measured = await measureAll(isQuick ? QUICK : FULL);
  const text = reportOf(measured);
  console.log(text);
  if (/NaN|Infinity|undefined/.test(text)) throw new Error("Something could not be measured.");
  if (writes) write(text, plotBroadcasts(measured.broadcasts));
}

async function measureAll(counts: typeof FULL): Promise<Measured> {
  const { starts } = counts;
  const assembly = await assemblyIn(".local/bench-cdk.out");
  console.log("Posts …");
  const posts = await measurePosts(assembly, counts.posts, counts.postRounds);
  console.log("Events …");
  const events = await measureEvents(counts.events, counts.eventRounds);
  console.log("Broadcasts …");
  const broadcasts = await measureBroadcasts(assembly, counts.rooms, counts.broadcastRounds);
  console.log("The local gateway …");
  const local = await measureLocally(assembly, counts.localRooms);
  console.log("Memory …");
  const memory = [];
  for (const members of [10, 10_000])
    memory.push({ members, bytes: await measureMemory(members, counts.connections) });
  console.log("Cold starts …");
  const cold = await measureColdStarts(assembly, starts);
  const example = measureExample(starts);
  const firstEvents = await measureFirstEvents(assembly, starts);
  return { posts, events, broadcasts, local, memory, cold, example, firstEvents, starts };
}

function write(text: string, plot: string): void {
  const document = readFileSync(DOCUMENT, "utf8");
  const [begin, end] = MARKS.map((mark) => document.indexOf(mark));
  if (begin === undefined || end === undefined || begin < 0 || end < begin)
    throw new Error(`${DOCUMENT} has no ${MARKS.join(" … ")} to write between.`);
  const [before, after] = [document.slice(0, begin + MARKS[0].length), document.slice(end)];
  writeFileSync(DOCUMENT, `${before}\n\n${text}\n\n${after}`);
  writeFileSync("docs/broadcast.svg", plot);
}
