import { parseArgs } from "node:util";
import { numberIn } from "../../local/numbers.ts";
import { objectIn, required } from "../arguments.ts";
import { type Connected, connect, type Endpoint } from "../doctor/connecting.ts";
import { isAddress } from "../doctor/options.ts";
import { checkReached, ping, upgrade } from "../doctor/reaching.ts";
import { createReport, type Report } from "../doctor/report.ts";

const HELP = `Checks a running endpoint from a client's side: whether it answers, the handshake and the answer to
CONNECT, long polling and its upgrade, a ping. Prints one line per check; the exit code is 1 if one fails (✗).

  npx serverless-socket-io doctor --url URL [options]

  --url URL       the public URL, e.g. https://d111111abcdef8.cloudfront.net (required)
  --path PATH     the path, if it is not /socket.io/, e.g. /live of the direct endpoint
  --auth JSON     what the client sends as auth (default {})
  --wait SECONDS  how long to wait for a ping, sent once per pingInterval (default 0: skip this check)
  --help          show this help
`;

/** Prints what it finds; sets the exit code. */
export async function doctor(args: string[]): Promise<void> {
  const endpoint = endpointIn(args);
  if (endpoint === undefined) return console.log(HELP);
  const report = createReport(console.log);
  await examine(endpoint, report);
  process.exitCode = report.isClean() ? 0 : 1;
}

function endpointIn(args: string[]): Endpoint | undefined {
  const { values } = parseArgs({
    args,
    options: {
      url: { type: "string" },
      path: { type: "string" },
      auth: { type: "string", default: "{}" },
      wait: { type: "string", default: "0" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const url = required("--url", values.url);
  if (!isAddress(url))
    throw new Error(`--url must be a URL like https://example.org, not ${JSON.stringify(url)}.`);
  return {
    ...{ url, path: values.path, auth: objectIn("--auth", values.auth) },
    wait: numberIn("--wait", values.wait, 0, 3600),
  };
}

async function examine(endpoint: Endpoint, report: Report): Promise<void> {
  const { check, skip } = report;
  const reached = await checkReached(endpoint, report);
  if (reached === undefined) return;
  let connected: Connected | undefined;
  await check("handshake and CONNECT", async () => {
    connected = await connect(endpoint);
    return `socket ${connected.socket.id}`;
  });
  if (connected === undefined) return;
  const { socket, ended } = connected;
  if (reached.isPolled)
    await check("long polling is upgraded to WebSocket", () => upgrade(endpoint));
  else skip("long polling", "there is none at this address");
  if (endpoint.wait > 0)
    await check("a ping is received", () => Promise.race([ping(socket, endpoint.wait), ended]));
  else skip("a ping is received", "pass --wait SECONDS to wait for one");
  socket.disconnect();
}
