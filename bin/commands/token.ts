import { parseArgs } from "node:util";
import { SignJWT } from "jose";
import { objectIn, required, requiredId, timeIn } from "../arguments.ts";

const HELP = `Prints a JWT, signed with HS256, for an application whose authenticate verifies such tokens.

  npx serverless-socket-io token --sub ID --secret SECRET [options]

  --sub ID          the user (required)
  --secret SECRET   the signing secret (required)
  --claims JSON     other claims, e.g. '{"role":"admin"}' (default {})
  --expires TIME    how long the token is valid, e.g. 30m, 12h (default), 7d
  --help            show this help
`;

/** Prints a token. */
export async function token(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      sub: { type: "string" },
      secret: { type: "string" },
      claims: { type: "string", default: "{}" },
      expires: { type: "string", default: "12h" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const signed = new SignJWT(objectIn("--claims", values.claims))
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(requiredId("--sub", values.sub))
    .setExpirationTime(timeIn(values.expires));
  console.log(await signed.sign(new TextEncoder().encode(required("--secret", values.secret))));
}
