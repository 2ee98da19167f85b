import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { readSettings } from "../lib/config.ts";
import { checkEndpoint } from "./doctor/endpoint.ts";
import { createReport } from "./doctor/report.ts";

const HELP = `Checks the settings of a deployment (cdk.json's context, and -c), and a running one: handshake,
authentication, a message to oneself and back, the acknowledgement of an event, what is refused, a ping.

  npm run doctor -- [options] [-c name=value …]

  --url URL       the public URL, e.g. https://d111111abcdef8.cloudfront.net
  --path PATH     the path, where it is not /socket.io/, e.g. /live of the direct endpoint
  --token TOKEN   a token of a user
  -c NAME=VALUE   a setting, as for cdk deploy
  --wait SECONDS  how long to wait for a ping, which comes once in pingInterval (default 0: not at all)
  --help          this text
`;

const report = createReport(console.log);

try {
  const options = readOptions();
  if (options.help) console.log(HELP);
  else await examine(options);
  process.exitCode = report.isClean() ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      url: { type: "string" },
      path: { type: "string" },
      token: { type: "string", default: "" },
      context: { type: "string", short: "c", multiple: true, default: [] },
      wait: { type: "string", default: "0" },
      help: { type: "boolean", default: false },
    },
  });
  const { url, wait } = values;
  if (!(Number(wait) >= 0)) throw new Error(`--wait takes seconds, not ${JSON.stringify(wait)}.`);
  if (url !== undefined && !/^(http|ws)s?:\/\/[^/]/.test(url))
    throw new Error(`--url takes a URL like https://example.org, not ${JSON.stringify(url)}.`);
  return { ...values, wait: Number(wait) };
}

async function examine({ context, url, ...endpoint }: ReturnType<typeof readOptions>) {
  await report.check("settings", () => checkSettings(context));
  if (url === undefined) report.skip("endpoint", "give --url and --token to check one");
  else await checkEndpoint({ ...endpoint, url }, report);
}

function checkSettings(given: readonly string[]): string {
  const pairs = given.map((pair) => pair.split(/=(.*)/s).slice(0, 2));
  const settings = readSettings({ ...contextOf("cdk.json"), ...Object.fromEntries(pairs) });
  const { stackName, pingInterval, pingTimeout, edge } = settings;
  return `${stackName}, ping every ${pingInterval / 1000} s, given up after ${(pingInterval + pingTimeout) / 1000} s; ${edge ? "CloudFront in front" : "no CloudFront"}`;
}

function contextOf(file: string): Readonly<Record<string, unknown>> {
  const { context = {} } = JSON.parse(readFileSync(file, "utf8")) as { context?: object };
  return { ...context };
}
