import { parseArgs } from "node:util";
import { numberIn } from "../../local/numbers.ts";

/** The doctor's options. */
export interface DoctorOptions {
  readonly url?: string | undefined;
  readonly path?: string | undefined;
  /** Empty if there is none. */
  readonly token: string;
  /** Settings that override those of cdk.json. */
  readonly context: Readonly<Record<string, string>>;
  /** Seconds to wait for a ping. */
  readonly wait: number;
  readonly help: boolean;
}

/** Reads the doctor's arguments; throws one sentence about an invalid one. */
export function readOptions(args: string[]): DoctorOptions {
  const { values } = parseArgs({
    args,
    options: {
      url: { type: "string" },
      path: { type: "string" },
      token: { type: "string" },
      context: { type: "string", short: "c", multiple: true, default: [] },
      wait: { type: "string", default: "0" },
      help: { type: "boolean", default: false },
    },
  });
  const { url, path, token } = values;
  if (token === "") throw new Error("--token is empty; leave it out if there is none.");
  if (url !== undefined && !isAddress(url))
    throw new Error(`--url must be a URL like https://example.org, not ${JSON.stringify(url)}.`);
  if (path !== undefined && !path.startsWith("/"))
    throw new Error(`--path must be a path like /live, not ${JSON.stringify(path)}.`);
  return {
    ...{ ...values, token: token ?? "" },
    context: Object.fromEntries(values.context.map(settingIn)),
    wait: numberIn("--wait", values.wait, 0, 3600),
  };
}

/** Whether it is a URL without a path, which Socket.IO would read as a namespace. */
export function isAddress(url: string): boolean {
  return /^(http|ws)s?:\/\/[^/?#]+\/?$/.test(url) && URL.canParse(url);
}

function settingIn(pair: string): readonly [string, string] {
  const [, name, value] = /^(\w+)=(.*)$/s.exec(pair) ?? [];
  if (name === undefined || value === undefined)
    throw new Error(`-c must be NAME=VALUE, not ${JSON.stringify(pair)}.`);
  return [name, value];
}
