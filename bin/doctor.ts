import { readFileSync } from "node:fs";
import { readSettings, type Settings } from "../lib/config.ts";
import { checkEndpoint } from "./doctor/endpoint.ts";
import { type DoctorOptions, readOptions } from "./doctor/options.ts";
import { createReport } from "./doctor/report.ts";
import { examineToken } from "./doctor/token.ts";

const HELP = `Checks the settings of a deployment (cdk.json's context, and -c), what can be seen of a token without
its secret, and a running deployment: handshake, authentication, a message to oneself and back, the
acknowledgement of an event, what is refused, a ping. Each line says what was found; the exit code is 1
where one begins with ✗.

  npm run doctor -- [options] [-c name=value …]

  --url URL       the public URL, e.g. https://d111111abcdef8.cloudfront.net
  --path PATH     the path, where it is not /socket.io/, e.g. /live of the direct endpoint
  --token TOKEN   a token of a user; without one, nothing is checked that needs a connection
  -c NAME=VALUE   a setting, as for cdk deploy; tokenIssuer and others concern the token, too
  --wait SECONDS  how long to wait for a ping, which comes once in pingInterval (default 0: not at all)
  --help          this text
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
  if (token === "") report.skip("the token", "none is given; npm run token prints one");
  else await report.check("the token", () => examineToken(token, settings, Date.now()));
  if (url === undefined) report.skip("the endpoint", "give --url to check one");
  else await checkEndpoint({ ...rest, token, url }, report);
}

function describe({ stackName, pingInterval, pingTimeout, edge }: Settings): string {
  return `${stackName}, ping every ${pingInterval / 1000} s, given up after ${(pingInterval + pingTimeout) / 1000} s; ${edge ? "CloudFront in front" : "no CloudFront"}`;
}

function contextOf(file: string): Readonly<Record<string, unknown>> {
  try {
    const { context = {} } = JSON.parse(readFileSync(file, "utf8")) as { context?: object };
    return { ...context };
  } catch (error) {
    throw new Error(`${file} cannot be read as JSON: ${(error as Error).message}`);
  }
}
