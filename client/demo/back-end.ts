import { readFileSync } from "node:fs";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { ulid } from "ulid";
import * as z from "zod/mini";
import { createEmitter } from "../emitter.ts";
import { signToken } from "../token.ts";
import { ORG, PROJECT, ROWS, USERS } from "./scene.ts";

/** API Gateway closes a connection after two hours, and the page requests a token for each. */
const TOKEN_LIFETIME = "2h";

const environment = z
  .object({
    PUBLISH_FUNCTION: z.string(),
    TOKEN_SECRET_ARN: z.string(),
    TOKEN_ISSUER: z.optional(z.string()),
    TOKEN_AUDIENCE: z.optional(z.string()),
  })
  .parse(process.env);
const secrets = new SecretsManagerClient();
const emitter = createEmitter({
  org: ORG,
  via: { lambda: new LambdaClient(), functionName: environment.PUBLISH_FUNCTION },
});
const page = readFile("index.html");
const script = readFile("page.js");

/** Only the page's own script runs, and it may connect to its own host only. */
const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self' wss:; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/**
 * The demo's back end, as any application has one: it serves the page, signs tokens for its users and
 * publishes changes. Whoever can reach it may act as any user of the demo, but as no other user.
 */
export async function handler({
  routeKey,
  queryStringParameters,
}: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  switch (routeKey) {
    case "GET /":
      return answer(200, "text/html", page);
    case "GET /demo/page.js":
      return answer(200, "text/javascript", script);
    case "GET /demo/token":
      return tokenFor(queryStringParameters?.user);
    case "POST /demo/rows":
      await insertRow();
      return json(200, {});
    default:
      return json(404, { error: `there is no ${routeKey}` });
  }
}

async function tokenFor(sub = ""): Promise<APIGatewayProxyStructuredResultV2> {
  if (!USERS.some((name) => name === sub))
    return json(400, { error: `user: must be one of ${USERS.join(", ")}` });
  const { TOKEN_SECRET_ARN, TOKEN_ISSUER: iss, TOKEN_AUDIENCE: aud } = environment;
  const { SecretString = "" } = await secrets.send(
    new GetSecretValueCommand({ SecretId: TOKEN_SECRET_ARN }),
  );
  const expected = { ...(iss !== undefined && { iss }), ...(aud !== undefined && { aud }) };
  const claims = { sub, org: ORG, projects: [PROJECT.projectId], ...expected };
  return json(200, { token: await signToken(claims, SecretString, TOKEN_LIFETIME) });
}

async function insertRow(): Promise<void> {
  const title = `Inserted at ${new Date().toISOString().slice(11, 19)} UTC`;
  await emitter.db.create({ ...ROWS, data: { _id: ulid().slice(-8), title } });
}

const json = (statusCode: number, body: object) =>
  answer(statusCode, "application/json", JSON.stringify(body));

const answer = (statusCode: number, type: string, body: string) => ({
  statusCode,
  headers: { ...HEADERS, "content-type": `${type}; charset=utf-8` },
  body,
});

function readFile(name: string): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}
