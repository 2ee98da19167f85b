import { setTimeout as pause } from "node:timers/promises";
import { signToken } from "../../client/token.ts";
import { assemblyIn } from "../../local/assembly.ts";
import { NO_FAULTS } from "../../local/fault-injection.ts";
import { type Random, randomFrom } from "../../local/random.ts";
import { type LocalStack, startStack } from "../../local/stack.ts";
import { shopAt } from "../../test/support/samples.ts";
import { emptyUpstream, type Upstream } from "../../test/support/upstream.ts";
import type { Options } from "../chaos.ts";
import { type ChaosClient, type ClientParts, createChaosClient, newMark } from "./client.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { leavesNothing } from "./left-over.ts";
import { createPresenceLedger, MAX_UNTOLD, type PresenceLedger } from "./presence.ts";

const SECRET = "a secret of at min thirty-two characters";
const CLIENTS_AN_ORGANISATION = 20;
/** Execution environments of a function: those that wait for a retry are not free. */
const ENVIRONMENTS = 8;

/** Whether nothing was lost, doubled, told wrongly or left over. Prints what was, and a table. */
export async function runChaos(options: Options): Promise<boolean> {
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
    return await runClients(stack, options, random, failures, shop);
  } finally {
    shop.stop();
    await stack.stop();
  }
}

async function runClients(
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
  // What was missed may still be posted to who has come back last.
  await stack.idle();
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
  for (const userId of new Set(all.map((one) => one.userId)))
    console.log(`${userId} was ${presence.history(userId)}`);
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
