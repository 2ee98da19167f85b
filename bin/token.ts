import { parseArgs } from "node:util";
import { signToken } from "../client/token.ts";
import { developmentSecret } from "../local/token-secret.ts";

const HELP = `Prints a token for a Socket.IO client.

  npm run token -- --sub ann --org acme --projects p1,p2

  --sub ID          the user (required)
  --org ID          the organisation (required)
  --projects LIST   projects the user may use, separated by commas, or '*' for all (default: none)
  --scope SCOPE     'websocket' (default) or 'api'
  --expires TIME    how long the token holds, e.g. 30m, 12h (default), 7d
  --secret SECRET   what to sign with (default: the secret of 'npm start' on this machine)
  --help            this text
`;

try {
  const { values } = parseArgs({
    options: {
      sub: { type: "string" },
      org: { type: "string" },
      projects: { type: "string", default: "" },
      scope: { type: "string", default: "websocket" },
      expires: { type: "string", default: "12h" },
      secret: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) console.log(HELP);
  else console.log(await tokenFor(values));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

function tokenFor(values: {
  readonly sub?: string | undefined;
  readonly org?: string | undefined;
  readonly projects: string;
  readonly scope: string;
  readonly expires: string;
  readonly secret?: string | undefined;
}): Promise<string> {
  const { sub, org, scope, expires } = values;
  if (!sub || !org) throw new Error("--sub and --org are required; --help explains all.");
  const projects = values.projects === "*" ? "*" : values.projects.split(",").filter(Boolean);
  return signToken({ sub, org, projects, scope }, values.secret ?? developmentSecret(), expires);
}
