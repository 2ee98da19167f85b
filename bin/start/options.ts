import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import * as z from "zod";
import { millisecondsIn, numberIn, wholeNumberIn } from "../../local/numbers.ts";

/** The lines of the help about what `npm start` and the package's command both take. */
export const OPTIONS = `  --port PORT             port that clients connect to (default 3000; 0 for any free one)
  --host ADDRESS          address of this machine to listen on (default 127.0.0.1); 0.0.0.0 also accepts
                          other machines, and whoever reaches the port has full access to the stack
  --watch                 run changed code of the application at once; connections and data stay
  --admin                 serve Socket.IO's Admin UI, with a password that is printed
  --data DIR              keep the database in this folder (default: in memory)
  --shuffle               delay and reorder the frames of each connection, as the real gateway may
  --cut-every SECONDS     cut each connection after this many seconds on average: a WebSocket at a random age,
                          a third of them without a call of $disconnect, and of the others one half without
                          a close frame, and one half with the close frame (1001) of API Gateway's two hours;
                          a client that polls during a request
  --lose-disconnects P    drop this share of the $disconnect calls, from 0 to 1, those of --cut-every
                          included (default 0, and a third of those of --cut-every)
  --secrets FILE          JSON file with the secrets of integrations, by their ARNs
  --help                  show this help

Of each function ten executions run at the same time, as a new account has ten in all; of the one that answers
GETs of long polling a hundred.`;

/** What a start is told. */
export type StartOptions = NonNullable<ReturnType<typeof readOptions>>;

/** Reads the arguments of a start; `undefined` if they ask for help. Throws one sentence about an invalid one. */
export function readOptions(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      app: { type: "string" },
      port: { type: "string", default: "3000" },
      host: { type: "string", default: "127.0.0.1" },
      watch: { type: "boolean", default: false },
      admin: { type: "boolean", default: false },
      data: { type: "string" },
      shuffle: { type: "boolean", default: false },
      "cut-every": { type: "string" },
      "lose-disconnects": { type: "string" },
      secrets: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const { app, host, watch, admin, data, shuffle } = values;
  if (watch && app === undefined) throw new Error("--watch needs --app.");
  const cutEvery = values["cut-every"];
  const loseDisconnects = values["lose-disconnects"];
  return {
    ...{ app, host, watch, admin, data },
    port: wholeNumberIn("--port", values.port, 0, 65_535),
    secrets: values.secrets === undefined ? {} : secretsIn(values.secrets),
    gateway: {
      shuffle,
      cutEvery: cutEvery === undefined ? undefined : millisecondsIn("--cut-every", cutEvery),
      loseDisconnects:
        loseDisconnects === undefined
          ? undefined
          : numberIn("--lose-disconnects", loseDisconnects, 0, 1),
    },
  };
}

function secretsIn(file: string): Record<string, string> {
  if (!existsSync(file)) throw new Error(`The file ${file} of --secrets does not exist.`);
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw new Error(`${file} is not a JSON object of secrets by their ARNs.`, { cause });
  }
}
