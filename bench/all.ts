import { readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { synthesise } from "../local/assembly.ts";
import { type Broadcast, measureBroadcasts, modelOf } from "./support/broadcasts.ts";
import { measureColdStarts, YARDSTICK } from "./support/cold-start.ts";
import { measureEvents, measureMemory } from "./support/events.ts";
import { measureLocally } from "./support/local-broadcasts.ts";
import { plotOf } from "./support/plot.ts";
import { measurePosts } from "./support/posts.ts";
import { dollarsOf, PEERS } from "./support/prices.ts";

const HELP = `Measures what posts, events, broadcasts, memory and cold starts cost, side by side, and writes
tables and a plot into docs/performance.md. Takes about three minutes.

  npm run bench -- [options]

  --dry    print the tables and write nothing
  --help   this text
`;

const ASSEMBLY = ".local/bench-cdk.out";
const DOCUMENT = "docs/performance.md";
const MARKS = ["<!-- begin npm run bench -->", "<!-- end npm run bench -->"] as const;
const SIZES = [1, 10, 100, 1000, 10_000];
/** Assumed of AWS inside a region, in milliseconds; and its default throttle of management calls. */
const LATENCIES = { invoke: 30, query: 15, post: 10, postsASecond: 10_000 };

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

const { values } = parseArgs({
  options: {
    dry: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else {
  const { text, plot } = await measureAll();
  console.log(text);
  if (!values.dry) write(text, plot);
  process.exit();
}

async function measureAll() {
  console.log("Synthesising the stack …");
  await synthesise(ASSEMBLY);
  console.log("Posts …");
  const posts = await measurePosts(ASSEMBLY, 4000, 15);
  console.log("Events …");
  const events = await measureEvents();
  console.log("Broadcasts …");
  const broadcasts = await measureBroadcasts(ASSEMBLY, SIZES, 5);
  console.log("The local gateway …");
  const local = await measureLocally(ASSEMBLY, [1, 10, 100]);
  console.log("Memory …");
  const [small, large] = [await measureMemory(10, 4000), await measureMemory(10_000, 4000)];
  console.log("Cold starts …");
  const cold = await measureColdStarts(ASSEMBLY);

  const ours = posts[1]?.microseconds ?? Number.NaN;
  const withPosts = events.ours + 10 * ours;
  const text = [
    `Measured ${new Date().toISOString().slice(0, 10)} by \`npm run bench\` on ${cpus().length} × ${cpus()[0]?.model} (${arch()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}. Processor time is this process's alone: AWS and clients run in others. What counts are the ratios of one run.`,
    "### A post",
    table(
      ["One frame posted to one connection", "µs of processor time", "ratio"],
      posts.map(({ way, microseconds }) => [
        way,
        fixed(microseconds),
        fixed(microseconds / ours, 2),
      ]),
    ),
    "### An event",
    table(
      ["`custom:event` to a room of ten, acknowledged", "µs of processor time", "ratio"],
      [
        ["a stock `socket.io` server, its ten sends included", fixed(events.stock), "1.00"],
        [
          "decode, dispatch, handle, encode",
          fixed(events.ours),
          fixed(events.ours / events.stock, 2),
        ],
        ["the same and its ten posts", fixed(withPosts), fixed(withPosts / events.stock, 2)],
      ],
    ),
    "### A broadcast",
    table(
      [
        "Room",
        "Queries",
        "Functions besides the handler's",
        "Posts",
        "µs a delivery",
        "Deliveries a second of one processor",
        "ms to the last over the local gateway",
      ],
      broadcasts.map((broadcast) => [
        broadcast.members.toLocaleString("en"),
        `${broadcast.reads}`,
        `${broadcast.invocations}`,
        broadcast.posts.toLocaleString("en"),
        fixed(broadcast.microseconds),
        Math.round(1_000_000 / broadcast.microseconds).toLocaleString("en"),
        local.has(broadcast.members) ? fixed(local.get(broadcast.members) ?? 0) : "simulated",
      ]),
    ),
    "![Processor time and functions by the size of the room](broadcast.svg)",
    `On AWS a broadcast waits for its calls. With ${LATENCIES.invoke} ms to invoke, ${LATENCIES.query} ms to query a page, ${LATENCIES.post} ms to post and fifty posts at a time, the last delivery comes after so many levels of functions; API Gateway's default throttle of ${LATENCIES.postsASecond.toLocaleString("en")} calls a second is what it comes down to then:`,
    table(
      ["Room", "Levels", "Seconds to the last delivery", "Seconds that the throttle alone takes"],
      [...SIZES, 100_000, 1_000_000].map((members) => {
        const { levels, untilLast, throttled } = modelOf(members, LATENCIES);
        return [
          members.toLocaleString("en"),
          `${levels}`,
          fixed(untilLast, 2),
          fixed(throttled, 1),
        ];
      }),
    ),
    "### Dollars",
    "A million events that everyone else in a room hears, at list prices of us-east-1 as published in 2026 (API Gateway messages 1.00, invocations 0.20, write units 0.625, read units 0.125 dollars a million, 0.0000133334 a GB-second of 512 MB; ten milliseconds of function for the event and one for five posts). Beside it what the peers charge for as many messages, by their price lists of 2026, connections left out: Azure Web PubSub 1.00 a million messages out, beyond those in its units (1.61 a unit and day); AppSync Events 1.00 a million operations; Ably 2.50 a million messages; Pusher 49 a month for a million messages a day.",
    table(
      ["", "Room of 10", "Room of 1,000"],
      [
        [
          "`custom:typing` here",
          ...[10, 1000].map((members) => fixed(dollarsOf(typing(members)), 2)),
        ],
        [
          "`message:send` here, stored",
          ...[10, 1000].map((members) => fixed(dollarsOf(message(members)), 2)),
        ],
        ...PEERS.map(([name, price]) => [
          name,
          ...[10, 1000].map((members) => fixed(price(members - 1), 2)),
        ]),
      ],
    ),
    "### Memory",
    table(
      ["Bytes of a function's heap for each connection it remembers", ""],
      [
        ["in a room of 10", fixed(small, 0)],
        ["in a room of 10,000", fixed(large, 0)],
      ],
    ),
    "### A cold start",
    table(
      ["Loading, median of 20 processes", "ms", "ratio"],
      [...cold].map(([name, milliseconds]) => [
        name,
        fixed(milliseconds),
        fixed(milliseconds / (cold.get(YARDSTICK) ?? Number.NaN), 2),
      ]),
    ),
  ].join("\n\n");
  return { text, plot: plotBroadcasts(broadcasts) };
}

function fixed(value: number, digits = 1): string {
  return value.toFixed(digits);
}

/** Read units of a room: 4 KB, consistently read, are thirty members. */
function pages(members: number): number {
  return Math.ceil(members / 30);
}

function typing(members: number) {
  const posts = members - 1;
  return { reads: pages(members), writes: 0.04, posts, functions: 1, milliseconds: 10 + posts / 5 };
}

function message(members: number) {
  const posts = members + 1;
  return {
    ...{ reads: 1 + pages(members), writes: 1.4, posts, functions: 1 },
    milliseconds: 10 + posts / 5,
  };
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

function plotBroadcasts(broadcasts: readonly Broadcast[]): string {
  const points = (of: (broadcast: Broadcast) => number) =>
    broadcasts.map((broadcast) => [broadcast.members, of(broadcast)] as const);
  return plotOf("One broadcast, by the size of its room", "members", [
    {
      name: "milliseconds of processor time",
      points: points((one) => (one.microseconds * one.members) / 1000),
    },
    { name: "AWS calls", points: points((one) => one.reads + one.invocations + one.posts) },
  ]);
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
