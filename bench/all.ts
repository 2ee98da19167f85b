import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { assemblyIn } from "../local/assembly.ts";
import { measureBroadcasts } from "./support/broadcasts.ts";
import { measureColdStarts, measureExample } from "./support/cold-start.ts";
import { measureEvents, measureMemory } from "./support/events.ts";
import { measureLocally } from "./support/local-broadcasts.ts";
import { measurePosts } from "./support/posts.ts";
import { type Measured, plotBroadcasts, reportOf } from "./support/report.ts";

const HELP = `Measures the cost of posts, events, broadcasts, memory and cold starts, and writes
tables and a plot into docs/performance.md. Takes about three minutes.

  npm run bench -- [options]

  --quick  run each benchmark once with small counts, whose numbers mean nothing, and write nothing
  --dry    print the tables and write nothing
  --help   show this help
`;

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

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

try {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      dry: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) console.log(HELP);
  else await bench(values.quick ? QUICK : FULL, !values.quick && !values.dry);
  // Benchmarks may leave sockets open, which would keep the process running.
  process.exit();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

async function bench(counts: typeof FULL, writes: boolean): Promise<void> {
  const measured = await measureAll(counts);
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
  return { posts, events, broadcasts, local, memory, cold, example, starts };
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
