import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { signToken } from "../client/token.ts";
import { assemblyIn } from "../local/assembly.ts";
import { NO_FAULTS } from "../local/fault-injection.ts";
import { millisecondsIn, numberIn } from "../local/numbers.ts";
import { type Random, randomFrom } from "../local/random.ts";
import { type LocalStack, startStack } from "../local/stack.ts";
import { shopAt } from "../test/support/samples.ts";
import { emptyUpstream, type Upstream } from "../test/support/upstream.ts";
import { type ChaosClient, type ClientParts, createChaosClient, newMark } from "./chaos/client.ts";
import { createLedger, type Ledger } from "./chaos/ledger.ts";
import { leavesNothing } from "./chaos/left-over.ts";
import { createPresenceLedger, MAX_UNTOLD, type PresenceLedger } from "./chaos/presence.ts";

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

const SECRET = "a secret of at min thirty-two characters";
const CLIENTS_AN_ORGANISATION = 20;
/** Execution environments of a function: those that wait for a retry are not free. */
const ENVIRONMENTS = 8;

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
interface Options extends Readonly<Record<keyof typeof NUMBERS, number>> {
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
  const value = numberIn(`--${name}`, text, min, max);
  if (max > 1 && !Number.isInteger(value))
    throw new Error(`--${name} must be a whole number, not ${JSON.stringify(text)}.`);
  return value;
}

async function run(options: Options): Promise<boolean> {
  const assembly = await assemblyIn(".local/chaos-cdk.out");
  const random = randomFrom(options.seed);
  const failures = { count: 0 };
  const stack = await startStack({
    assembly,
    port: 0,
    secret: SECRET,
    seed: options.seed,
    concurrency: ENVIRONMENTS,
    scheduleJitter: true,
    gateway: {
      shuffle: true,
      loseDisconnects: options["lose-disconnects"],
    },
    environment: { POWERTOOLS_METRICS_DISABLED: "true" },
    log: (_, text) => {
      if (text.includes('"ERROR"')) failures.count += 1;
    },
  });
  const shop = await emptyUpstream();
  try {
    return await runChaos(stack, options, random, failures, shop);
  } finally {
    shop.stop();
    await stack.stop();
  }
}

async function runChaos(
  stack: LocalStack,
  options: Options,
  random: Random,
  failures: { readonly count: number },
  shop: Upstream,
): Promise<boolean> {
  const ledger = createLedger(Date.now);
  const presence = createPresenceLedger(Date.now);
  await registerIntegration(stack, options, shop);
  const clients = await connectAll(stack, options, { ledger, presence, random });
  stack.faults.setRates({
    throttle: options.throttle,
    fail: options.fail,
    throttlePosts: options["throttle-posts"],
    failPosts: options["fail-posts"],
  });
  stack.cutEvery(options.cutEvery);
  const kills = await act(stack, options, ledger, clients, random, failures);

  console.log("Waiting for pending deliveries …");
  await Promise.all(clients.map((client) => client.rest()));
  stack.cutEvery(undefined);
  await stack.idle();
  await Promise.all(clients.map((client) => client.catchUp()));
  const totals = ledger.totals();
  for (const line of ledger.lost()) console.log(`lost: ${line}`);
  stack.faults.setRates(NO_FAULTS);
  const wronglyTold = await stopAll(clients, presence);
  const isClean = await leavesNothing(stack);

  console.log(`
| Events sent | Acknowledged | Refused | Unanswered | Deliveries due | Delivered in all | Lost | Duplicated | Presence told wrongly | Connections killed | Sockets that came back | Failures logged |
|---|---|---|---|---|---|---|---|---|---|---|---|
| ${[totals.sent, totals.confirmed, totals.refused, totals.unanswered, totals.expected, totals.delivered, totals.lost, totals.duplicated, wronglyTold, kills, totals.returned, failures.count].join(" | ")} |
`);
  return totals.lost === 0 && totals.duplicated === 0 && wronglyTold === 0 && isClean;
}

/** Stops every other client, then the rest, who are told of that; gives how often presence was told wrongly. */
async function stopAll(clients: readonly ChaosClient[], presence: PresenceLedger): Promise<number> {
  const stop = (remainder: number) =>
    Promise.all(
      clients.filter((_, number) => number % 2 === remainder).map((client) => client.stop()),
    );
  await stop(0);
  const wronglyTold = () =>
    presence.wronglyTold(clients.flatMap(({ membership }) => membership ?? []));
  const deadline = Date.now() + MAX_UNTOLD;
  while (wronglyTold().length > 0 && Date.now() < deadline) await pause(100);
  const all = wronglyTold();
  for (const { watcher, userId, reason, at } of all)
    console.log(`${watcher} was ${reason}: ${userId}, at ${new Date(at).toISOString()}`);
  await stop(1);
  return all.length;
}

/** The integration that the samples call, in every organisation. */
async function registerIntegration(stack: LocalStack, { clients }: Options, { url }: Upstream) {
  const integration = shopAt(url);
  for (let org = 0; org * CLIENTS_AN_ORGANISATION < clients; org += 1)
    await callPublish(stack, { event: "integration:put", org: `org-${org}`, integration });
}

function callPublish({ functions }: LocalStack, entry: object) {
  return functions.invoke(functions.named("Publish"), entry);
}

async function connectAll(
  stack: LocalStack,
  options: Options,
  shared: Pick<ClientParts, "ledger" | "presence" | "random">,
) {
  const clients = await Promise.all(
    Array.from({ length: options.clients }, async (_, number) => {
      const audience = `org-${Math.floor(number / CLIENTS_AN_ORGANISATION)}`;
      const userId = `user-${number}`;
      const peer = `user-${number ^ 1}`;
      const claims = { sub: userId, org: audience, projects: ["p1", "p2"] };
      const token = await signToken(claims, SECRET);
      const thinkTime = options.think;
      const url = stack.url;
      const transports = options.websocket ? (["websocket"] as const) : transportsOf(number);
      return createChaosClient({
        url,
        token,
        transports,
        userId,
        peer,
        audience,
        thinkTime,
        ...shared,
      });
    }),
  );
  while (clients.some(({ membership }) => membership === undefined)) {
    console.log(
      `${clients.filter(({ membership }) => membership !== undefined).length} clients are connected …`,
    );
    await pause(2000);
  }
  return clients;
}

/** A tenth of the clients stay on polling, a third begin with it, as Socket.IO's own do by default. */
function transportsOf(number: number): readonly ("websocket" | "polling")[] {
  if (number % 10 === 0) return ["polling"];
  return number % 3 === 0 ? ["polling", "websocket"] : ["websocket"];
}

/** Runs the clients, terminates some of their connections, publishes, and prints the progress. */
async function act(
  stack: LocalStack,
  { seconds, kill }: Options,
  ledger: Ledger,
  clients: readonly ChaosClient[],
  random: Random,
  failures: { readonly count: number },
): Promise<number> {
  let kills = 0;
  for (let second = 1; second <= seconds; second += 1) {
    await pause(1000);
    for (const client of clients.filter(() => random() < kill)) {
      kills += 1;
      const [victim] = stack.gateway.connectionIds().filter(() => random() < 0.05);
      // Half of the connections end without a $disconnect.
      if (random() < 0.5 && victim !== undefined) stack.gateway.drop(victim);
      else client.kill();
    }
    void publish(stack, ledger);
    if (second % 5 === 0 || second === seconds) console.log(await progress(second));
  }
  return kills;

  async function progress(second: number): Promise<string> {
    const { sent, confirmed, delivered } = ledger.totals();
    const heaps = Object.values(stack.functions.heaps()).flat();
    const largest = Math.max(0, ...heaps) / 2 ** 20;
    const items = (await stack.database.items()).map(({ pk }) => String(pk).split("#")[0] ?? "");
    const kinds = new Set(items.toSorted());
    const counts = [...kinds].map(
      (kind) => `${kind} ${items.filter((one) => one === kind).length}`,
    );
    return [
      `${String(second).padStart(4)} s: ${sent} sent, ${confirmed} acknowledged, ${delivered} delivered,`,
      `${kills} killed, ${failures.count} failures logged;`,
      `items: ${counts.join(", ")};`,
      `heaps ${heaps.map((heap) => Math.round(heap / 2 ** 20)).join(" ")} MiB, largest ${largest.toFixed(1)}`,
    ].join(" ");
  }
}

/** Publishes a row of the first organisation, as another back end does. */
async function publish(stack: LocalStack, ledger: Ledger): Promise<void> {
  const mark = newMark();
  const receipt = ledger.send({
    ...{ mark, event: "db:create", sender: "", audience: "org-0", isVolatile: false },
  });
  const entry = { event: "db:create", org: "org-0", id: mark.slice(1) };
  const row = { projectId: "p1", collectionId: "todos", data: { _id: mark } };
  const { ok } = await callPublish(stack, { ...entry, ...row });
  if (ok) receipt.confirmed();
  else receipt.refused("internal");
}
