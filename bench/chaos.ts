import { parseArgs } from "node:util";
import { millisecondsIn, numberIn, wholeNumberIn } from "../local/numbers.ts";

const HELP = `Runs many clients with all events of the contract over the local stack with fault injection, and
records what they receive. Fails if a delivery is lost or duplicated, if anybody is told wrongly who is
online, or if items remain after the clean-up. Prints what is lost, told wrongly or left.

  npm run chaos -- [options]

  --clients N           number of clients, twenty per organisation (default 200)
  --seconds N           duration of the run (default 60)
  --seed N              seed of the random numbers (default 1)
  --think N             milliseconds between two events of a client, on average (default 1000)
  --kill P              share of the connections that are terminated per second (default 0.005)
  --cut-every SECONDS   cut each connection at a random age, after this many seconds on average, and each
                        client that polls during a request; begins when all clients are connected
  --lose-disconnects P  share of the $disconnect calls that are lost (default 0.3)
  --throttle P          share of the database calls that are throttled (default 0.02)
  --fail P              share of the database calls that fail (default 0.01)
  --throttle-posts P    share of the posts that are throttled (default 0.05)
  --fail-posts P        share of the posts that fail (default 0.01)
  --calm                no faults, for a soak test
  --websocket           no client polls (default: a tenth only polls, a third begins with it)
  --help                show this help
`;

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

const NUMBERS = {
  clients: [1, 5000, 200],
  seconds: [1, 86_400, 60],
  seed: [0, 2 ** 31, 1],
  think: [1, 600_000, 1000],
  kill: [0, 1, 0.005],
  "lose-disconnects": [0, 1, 0.3],
  throttle: [0, 0.5, 0.02],
  fail: [0, 0.5, 0.01],
  "throttle-posts": [0, 0.5, 0.05],
  "fail-posts": [0, 0.5, 0.01],
} as const satisfies Record<string, readonly [number, number, number]>;

/** What a run is told. */
export interface Options extends Readonly<Record<keyof typeof NUMBERS, number>> {
  /** Milliseconds after which a connection is cut, on average. */
  readonly cutEvery: number | undefined;
  readonly websocket: boolean;
}

try {
  const options = readOptions();
  if (options === undefined) console.log(HELP);
  else if (!(await run(options))) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function readOptions(): Options | undefined {
  const flags = Object.keys(NUMBERS).map((name) => [name, { type: "string" }] as const);
  const { values } = parseArgs({
    options: {
      ...(Object.fromEntries(flags) as Record<keyof typeof NUMBERS, { type: "string" }>),
      "cut-every": { type: "string" },
      calm: { type: "boolean", default: false },
      websocket: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const entries = Object.entries(NUMBERS).map(([name, [min, max, defaultValue]]) => {
    const value = values[name as keyof typeof NUMBERS];
    const calm = values.calm && max <= 1 ? 0 : defaultValue;
    return [name, value === undefined ? calm : numberOf(name, value, min, max)];
  });
  const cutEvery = values["cut-every"];
  return {
    ...(Object.fromEntries(entries) as Record<keyof typeof NUMBERS, number>),
    cutEvery: cutEvery === undefined ? undefined : millisecondsIn("--cut-every", cutEvery),
    websocket: values.websocket,
  };
}

/** A share from 0 to 1, or a whole number. */
function numberOf(name: string, text: string, min: number, max: number): number {
  return (max > 1 ? wholeNumberIn : numberIn)(`--${name}`, text, min, max);
}

/** Loads the clients and the stack once the options are known to be good. */
async function run(options: Options): Promise<boolean> {
  return (await import("./chaos/run.ts")).runChaos(options);
}
