import { readFileSync } from "node:fs";
import { readSettings, type Settings } from "../lib/config.ts";
import { checkEndpoint } from "./doctor/endpoint.ts";
import { type DoctorOptions, readOptions } from "./doctor/options.ts";
import { createReport } from "./doctor/report.ts";
import { examineToken } from "./doctor/token.ts";

const HELP = `Checks a deployment: its settings (cdk.json's context, and -c), a token as far as is possible without
its secret, and a running endpoint: handshake, authentication, long polling and its upgrade, a message to
oneself, the acknowledgement of an event, refusals, a ping. Prints one line per check; the exit code is 1 if a check fails (✗).

  npm run doctor -- [options] [-c name=value …]

  --url URL       the public URL, e.g. https://d111111abcdef8.cloudfront.net
  --path PATH     the path, if it is not /socket.io/, e.g. /live of the direct endpoint
  --token TOKEN   a token of a user; without one, checks that need a connection are skipped
  -c NAME=VALUE   a setting, as for cdk deploy; tokenIssuer and others apply to the token, too
  --wait SECONDS  how long to wait for a ping, sent once per pingInterval (default 0: skip this check)
  --help          show this help
`;

const report = createReport(console.log);

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) console.log(HELP);
  else await examine(options);
  process.exitCode = report.isClean() ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function examine({ context, url, token, ...rest }: DoctorOptions) {
  let settings: Settings | undefined;
  await report.check("settings", () => {
    settings = readSettings({ ...contextOf("cdk.json"), ...context });
    return describe(settings);
  });
  if (token === "") report.skip("the token", "no --token; npm run token prints one");
  else await report.check("the token", () => examineToken(token, settings, Date.now()));
  if (url === undefined) report.skip("the endpoint", "no --url to check");
  else await checkEndpoint({ ...rest, token, url }, report);
}

function describe({ stackName, pingInterval, pingTimeout, edge }: Settings): string {
  return `${stackName}, ping every ${pingInterval / 1000} s, connection lost after ${(pingInterval + pingTimeout) / 1000} s; ${edge ? "CloudFront in front" : "no CloudFront"}`;
}

function contextOf(file: string): Readonly<Record<string, unknown>> {
  try {
    const { context = {} } = JSON.parse(readFileSync(file, "utf8")) as { context?: object };
    return { ...context };
  } catch (error) {
    throw new Error(`${file} cannot be read as JSON: ${(error as Error).message}`);
  }
}
