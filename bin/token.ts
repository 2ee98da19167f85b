import { parseArgs } from "node:util";
import { signToken } from "../client/token.ts";
import { developmentSecret } from "../local/token-secret.ts";
import { required, requiredId, timeIn } from "./arguments.ts";

const HELP = `Prints a token for a Socket.IO client.

  npm run token -- --sub ann --org acme --projects p1,p2

  --sub ID          the user (required)
  --org ID          the organisation (required)
  --projects LIST   projects the user may access, separated by commas, or '*' for all (default: none)
  --scope SCOPE     'websocket' (default) or 'api'
  --expires TIME    how long the token is valid, e.g. 30m, 12h (default), 7d
  --secret SECRET   the signing secret (default: the secret of 'npm start' on this machine)
  --help            show this help
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
  const claims = {
    sub: requiredId("--sub", values.sub),
    org: requiredId("--org", values.org),
    projects: projectsIn(values.projects),
    scope: scopeIn(values.scope),
  };
  const secret = values.secret ?? developmentSecret();
  return signToken(claims, required("--secret", secret), timeIn(values.expires));
}

function projectsIn(value: string): "*" | readonly string[] {
  if (value === "*") return "*";
  const ids = value === "" ? [] : value.split(",").map((id) => id.trim());
  if (ids.includes("")) throw new Error(`--projects has an empty id: ${JSON.stringify(value)}.`);
  if (ids.includes("*")) throw new Error("--projects must be ids or '*', not both.");
  return ids.map((id) => requiredId("each of --projects", id));
}

function scopeIn(value: string): string {
  if (["api", "websocket"].includes(value)) return value;
  throw new Error(`--scope must be 'websocket' or 'api', not ${JSON.stringify(value)}.`);
}
