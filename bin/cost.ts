import { parseArgs } from "node:util";
import { SCRIPTS, type Scene, type SceneName } from "../bench/cost/scenes.ts";
import { assemblyIn } from "../local/assembly.ts";
import { numberIn, wholeNumberIn } from "../local/numbers.ts";

const HELP = `Runs a scene with real clients on the local stack, counts what AWS would bill of it, and prints the bill
of a month by line, at the list prices in lib/prices.ts; beside it, what other services charge.

  npm run cost -- [options]

  --scene NAME             ${Object.keys(SCRIPTS).join(", ")} (default chat):
${Object.entries(SCRIPTS)
  .map(([name, { description }]) => `                           ${name}: ${description}`)
  .join("\n")}
  --users N                users who are connected all of the time, by WebSocket (default 1000)
  --room N                 users who receive what one of them sends (default ${defaultsOf("room")})
  --messages-per-minute N  what each user sends in a minute, or how many rows are changed for each
                           (default ${defaultsOf("messagesPerMinute")})
  --seconds N              how long to send (default 60); metrics are logged once a minute
  --help                   show this help

Fails if something was not delivered, or a function failed.
`;

function defaultsOf(name: "room" | "messagesPerMinute"): string {
  return Object.entries(SCRIPTS)
    .map(([scene, { defaults }]) => `${scene} ${defaults[name]}`)
    .join(", ");
}

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

try {
  const scene = readScene();
  if (scene === undefined) console.log(HELP);
  else if (!(await printBill(scene))) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function readScene(): Scene | undefined {
  const { values } = parseArgs({
    options: {
      scene: { type: "string", default: "chat" },
      users: { type: "string", default: "1000" },
      room: { type: "string" },
      "messages-per-minute": { type: "string" },
      seconds: { type: "string", default: "60" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const name = values.scene as SceneName;
  if (!Object.hasOwn(SCRIPTS, name))
    throw new Error(
      `--scene must be one of ${Object.keys(SCRIPTS).join(", ")}, not ${JSON.stringify(name)}.`,
    );
  const { defaults } = SCRIPTS[name];
  const { room = `${defaults.room}` } = values;
  const rate = values["messages-per-minute"] ?? `${defaults.messagesPerMinute}`;
  return {
    name,
    users: wholeNumberIn("--users", values.users, 1, 5000),
    room: wholeNumberIn("--room", room, 1, 5000),
    messagesPerMinute: rateIn(name, rate),
    seconds: wholeNumberIn("--seconds", values.seconds, 1, 240),
  };
}

function rateIn(name: SceneName, text: string): number {
  const rate = numberIn("--messages-per-minute", text, 0, 600);
  if (name === "idle" && rate > 0)
    throw new Error(
      `--messages-per-minute must be 0 in the scene idle, not ${JSON.stringify(text)}.`,
    );
  return rate;
}

/** Whether all was delivered, and nothing failed. */
async function printBill(scene: Scene): Promise<boolean> {
  const { runScene } = await import("../bench/cost/run.ts");
  const { reportOf } = await import("../bench/cost/report.ts");
  const assembly = await assemblyIn(".local/cost-cdk.out");
  const run = await runScene(scene, assembly, (text) => console.error(text));
  console.log(`\n${reportOf(scene, run)}`);
  const { due, received, failures, seconds, elapsed } = run;
  if (elapsed > 1.2 * seconds)
    console.error(
      `This machine took ${elapsed.toFixed(0)} s for what users send in ${seconds}: the time of functions means little.`,
    );
  if (received !== due) console.error(`${received} were received of ${due} that were due.`);
  if (failures.length > 0)
    console.error(`Functions logged ${failures.length} failures, first: ${failures[0]}`);
  return received === due && failures.length === 0;
}
