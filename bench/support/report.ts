import { arch, cpus, totalmem } from "node:os";
import { type Broadcast, modelOf } from "./broadcasts.ts";
import { BASELINE, SAME_CLIENTS_ONLY } from "./cold-start.ts";
import { plotOf } from "./plot.ts";
import type { PostCost } from "./posts.ts";
import { dollarsOf, type EventCost, PEERS } from "./prices.ts";

/** Assumed of AWS inside a region, in milliseconds; and its default throttle of management calls. */
const LATENCIES = { invoke: 30, query: 15, post: 10, postsASecond: 10_000 };

/** Members of the rooms whose delays are modelled. */
const MODELLED = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];

/** What one run has measured. */
export interface Measured {
  readonly posts: readonly PostCost[];
  readonly events: { readonly ours: number; readonly stock: number };
  readonly broadcasts: readonly Broadcast[];
  /** Milliseconds to the last delivery over the local gateway, by the size of the room. */
  readonly local: ReadonlyMap<number, number>;
  /** Bytes of heap a connection, in a small room and in a large one. */
  readonly memory: readonly { readonly members: number; readonly bytes: number }[];
  /** Milliseconds that loading takes, by what is loaded; the median of so many processes. */
  readonly cold: ReadonlyMap<string, number>;
  /** The same of the chat example, in milliseconds of processor time. */
  readonly example: ReadonlyMap<string, number>;
  /** Milliseconds of processor time until it has answered each event of a new client, from its process's start. */
  readonly firstEvents: ReadonlyMap<string, number>;
  readonly starts: number;
}

/** The tables of a run, in Markdown. */
export function reportOf(measured: Measured): string {
  const { posts, events, broadcasts, local, memory, cold, example, firstEvents, starts } = measured;
  const ours = posts[1]?.microseconds ?? Number.NaN;
  const withPosts = events.ours + 10 * ours;
  return [
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
      MODELLED.map((members) => {
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
    "A million events that everyone else in a room receives, at list prices of us-east-1 as published in 2026 (API Gateway messages 1.00, invocations 0.20, write units 0.625, read units 0.125 dollars a million, 0.0000133334 a GB-second of 512 MB; ten milliseconds of function for the event and one for five posts). For comparison what other services charge for as many messages, by their price lists of 2026, connections left out: Azure Web PubSub 1.00 a million messages out, beyond those in its units (1.61 a unit and day); AppSync Events 1.00 a million operations; Ably 2.50 a million messages; Pusher 49 a month for a million messages a day.",
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
        [
          "the same with `connectionStateRecovery`",
          ...[10, 1000].map((members) => fixed(dollarsOf(replayable(message(members))), 2)),
        ],
        ...PEERS.map((peer) => [
          peer.name,
          ...[10, 1000].map((members) =>
            fixed(peer.messages({ published: 1, received: members - 1 }), 2),
          ),
        ]),
      ],
    ),
    "### Memory",
    table(
      ["Bytes of a function's heap for each connection it remembers", ""],
      memory.map(({ members, bytes }) => [
        `in a room of ${members.toLocaleString("en")}`,
        fixed(bytes, 0),
      ]),
    ),
    "### A cold start",
    loading(cold, starts, "ms", BASELINE),
    "The chat example's socket function, bundled as it is deployed, and its parts, each together with the clients alone:",
    loading(example, starts, "ms of processor time", SAME_CLIENTS_ONLY),
    "The same function in a new process, when it has answered each event of a client; the database and AWS are another process:",
    table(
      [`Median of ${starts} processes`, "ms of processor time since its start"],
      [...firstEvents].map(([name, milliseconds]) => [name, fixed(milliseconds)]),
    ),
  ].join("\n\n");
}

/** How long each takes to load, also as a ratio to one of them. */
const loading = (
  times: ReadonlyMap<string, number>,
  starts: number,
  unit: string,
  baseline: string,
): string =>
  table(
    [`Loading, median of ${starts} processes`, unit, "ratio"],
    [...times].map(([name, milliseconds]) => [
      name,
      fixed(milliseconds),
      fixed(milliseconds / (times.get(baseline) ?? Number.NaN), 2),
    ]),
  );

function fixed(value: number, digits = 1): string {
  return value.toFixed(digits);
}

/** Read units of a room: 4 KB, consistently read, are thirty members. */
function pages(members: number): number {
  return Math.ceil(members / 30);
}

/** With its log before, and the mark after: items of at most a kilobyte. */
const replayable = (cost: EventCost): EventCost => ({ ...cost, writes: cost.writes + 2 });

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

/** The plot of a run's broadcasts. */
export function plotBroadcasts(broadcasts: readonly Broadcast[]): string {
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
