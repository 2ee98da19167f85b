import { randomBytes } from "node:crypto";
import { hashSync } from "bcryptjs";
import type { AdminProps } from "../lib/server-props.ts";

/** How one run on this machine serves the Admin UI: with a password of its own. */
export interface LocalAdmin {
  readonly username: string;
  readonly password: string;
  readonly props: AdminProps;
  /** The secret that is deployed with, by its ARN. */
  readonly secrets: Readonly<Record<string, string>>;
}

const SECRET_ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:admin-AbCdEf";

/** Rounds of bcrypt, as a deployment should have them. */
const ROUNDS = 10;

/** A new login of the Admin UI, which may do everything unless it is `readonly`. */
export function localAdmin({ readonly = false, rounds = ROUNDS } = {}): LocalAdmin {
  const [username, password] = ["admin", randomBytes(9).toString("base64url")];
  const secret = JSON.stringify({ username, password: hashSync(password, rounds) });
  return {
    ...{ username, password, props: { secretArn: SECRET_ARN, readonly } },
    secrets: { [SECRET_ARN]: secret },
  };
}
