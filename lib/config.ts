import * as z from "zod";
import { CONTENT_BYTES } from "../lambdas/mudbase/limits.ts";
import { MESSAGE_BYTES } from "../lambdas/server/model/limits.ts";
import { wordingOf } from "../lambdas/server/model/wording.ts";
import { nearest } from "./nearest.ts";
import {
  certificateArn,
  edgeCertificateArn,
  edgeWebAclArn,
  flag,
  hostName,
  httpsUrl,
  keyArn,
  origin,
  secretArn,
  text,
  topicArn,
  US_EAST_1,
  whole,
} from "./setting-kinds.ts";

/** All environment variables of a function may have 4 KB. */
const MAX_ORIGINS = 50;
const MAX_ORIGINS_LENGTH = 2000;

const RETENTIONS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653];

/** Settings that mean nothing without another one. */
const NEEDS = [
  ["domainName", "certificateArn"],
  ["certificateArn", "domainName"],
  ["apiDomainName", "apiCertificateArn"],
  ["apiCertificateArn", "apiDomainName"],
  ["tokenSecretKeyArn", "tokenSecretArn"],
  ["gatewayLogRole", "accessLogs"],
  ["domainName", "edge"],
  ["waf", "edge"],
  ["webAclArn", "edge"],
  ["demo", "edge"],
] as const;

/** Settings of which one takes the other's place; the demo page signs its tokens with a secret. */
const APART = [
  ["tokenJwksUrl", "tokenSecretArn"],
  ["webAclArn", "waf"],
  ["demo", "tokenJwksUrl"],
] as const;

/** What AWS only finds in the region of the stack. */
const IN_REGION = [
  "tokenSecretArn",
  "tokenSecretKeyArn",
  "integrationSecretKeyArn",
  "alarmTopicArn",
  "apiCertificateArn",
] as const;

/** The settings of a deployment, given as CDK context: `cdk deploy -c pingInterval=120000`. */
export const Settings = z
  .strictObject({
    /** The stack's name, by which a region's deployments are told apart. */
    stackName: z
      .string()
      .regex(/^[a-z][a-z\d-]{0,127}$/i, "must be letters, digits and hyphens, a letter first")
      .default("ServerlessSocketIo"),
    /** ARN of the Secrets Manager secret whose string value verifies HS256 tokens. Default: the stack makes one. */
    tokenSecretArn: secretArn.optional(),
    /** ARN of the KMS key of `tokenSecretArn`, where it is not AWS's own. */
    tokenSecretKeyArn: keyArn.optional(),
    /** URL of the JWKS that verifies RS256, ES256 and EdDSA tokens, instead of a secret. */
    tokenJwksUrl: httpsUrl.optional(),
    /** The `iss` that tokens must carry. Default: any. */
    tokenIssuer: text.optional(),
    /** The `aud` that tokens must carry. Default: any. */
    tokenAudience: text.optional(),
    /** Origins of web pages that may connect, e.g. `https://app.example.org`, as a list or separated by commas;
     * the deployment's own addresses always may. Default: all. */
    allowedOrigins: z
      .union([z.string().transform(separated), z.array(z.string())], {
        error: "must be origins, separated by commas",
      })
      .pipe(
        z
          .array(origin)
          .max(MAX_ORIGINS)
          .refine(
            (origins) => JSON.stringify(origins).length <= MAX_ORIGINS_LENGTH,
            `must be at most ${MAX_ORIGINS_LENGTH} characters together, as Lambda keeps them`,
          ),
      )
      .default([]),
    /** Connections an organisation may have at once; 0 is no limit. */
    connectionsPerOrganisation: whole(0, 10_000_000).default(0),
    /** Milliseconds between two pings of the server: whole minutes, because the sweep comes by the minute. */
    pingInterval: whole(60_000, 480_000)
      .refine(
        (given) => given % 60_000 === 0,
        "must be whole minutes, in milliseconds: 60000, 120000 and so on",
      )
      .default(240_000),
    /** Milliseconds a client waits beyond `pingInterval` before it gives the connection up: a ping may come a minute late. */
    pingTimeout: whole(90_000, 86_400_000).default(120_000),
    /** Bytes of the largest message a client may send. */
    maxPayload: whole(1024, MESSAGE_BYTES).default(MESSAGE_BYTES),
    /** Parts into which connections are divided for the sweep; each is swept by an invocation of its own. */
    shards: whole(1, 1000).default(16),
    /** Sockets of a room that one function posts to; the rest it hands on to others. */
    fanOutPage: whole(2, 5000).default(1000),
    /** Rooms one socket may be in, the two it starts with included. */
    roomsPerSocket: whole(2, 1000).default(200),
    /** Wallet rooms one socket may be in. */
    walletRoomsPerSocket: whole(1, 1000).default(50),
    /** Live queries one socket may hold. */
    queriesPerSocket: whole(1, 100).default(20),
    /** Bytes of the payload of a `custom:*` event. */
    customPayloadBytes: whole(1, MESSAGE_BYTES).default(32 * 1024),
    /** Bytes of the content of a chat message. */
    messageContentBytes: whole(1, CONTENT_BYTES).default(16 * 1024),
    /** `message:send` of a user in a second; ten seconds' worth may come at once; 0 is no limit. The same below. */
    messageSendsPerSecond: whole(0, 10_000).default(10),
    /** The other `message:*` events of a user in a second. */
    messageEventsPerSecond: whole(0, 10_000).default(20),
    /** `custom:*` events of a user in a second. */
    customEventsPerSecond: whole(0, 10_000).default(100),
    /** `call:*` events of a user in a second. */
    callEventsPerSecond: whole(0, 10_000).default(5),
    /** `integration:*` events of a user in a second. */
    integrationEventsPerSecond: whole(0, 10_000).default(10),
    /** All other events of a user in a second, and its connecting. */
    eventsPerSecond: whole(0, 10_000).default(100),
    /** Frames of a user in a second, all sockets together, whatever they carry. */
    framesPerSecond: whole(0, 10_000).default(200),
    /** Days a chat message is kept; 0 keeps it for good. */
    messageRetentionDays: whole(0, 36_500).default(0),
    /** What the names of those Secrets Manager secrets begin with that integrations may use. */
    integrationSecretPrefix: z
      .string()
      .regex(/^[\w/+=.@-]{1,200}\/$/, "must be a name that ends with /")
      .default("serverless-socket-io/integrations/"),
    /** ARN of the KMS key of integrations' secrets, where it is not AWS's own. */
    integrationSecretKeyArn: keyArn.optional(),
    /** Upgrades in a second, and frames in a second, of all sockets together; half as many at once. */
    requestsPerSecond: whole(1, 1_000_000).default(2000),
    /** Deliveries of webhooks in a second, all together; half as many at once. */
    webhooksPerSecond: whole(1, 1_000_000).default(100),
    /** Executions kept for the socket function, which then has no more either. Default: none are kept. */
    socketConcurrency: whole(1, 100_000).optional(),
    /** The same for the heartbeat, which wants one for each of the `shards`. */
    heartbeatConcurrency: whole(1, 100_000).optional(),
    /** Memory of the socket function in MiB; its share of a processor grows with it. */
    functionMemory: whole(128, 10_240).default(512),
    /** Whether the table outlives the stack. */
    deletionProtection: flag.default(true),
    /** Days for which logs are kept, as CloudWatch has them: 1, 3, 5, 7, 14, 30, 60, 90 and so on. */
    logRetentionDays: whole(1, 3653)
      .refine((days) => RETENTIONS.includes(days), `must be one of ${RETENTIONS.join(", ")}`)
      .default(30),
    /** Whether X-Ray traces the functions. */
    tracing: flag.default(false),
    /** ARN of the SNS topic that is told of alarms. Default: nobody is. */
    alarmTopicArn: topicArn.optional(),
    /** Whether CloudFront stands in front, so that Socket.IO's default path works. */
    edge: flag.default(true),
    /** The public name of the edge; needs `certificateArn`. */
    domainName: hostName.optional(),
    /** ARN of the ACM certificate of `domainName`, in us-east-1. */
    certificateArn: edgeCertificateArn.optional(),
    /** Whether to make a WAF web ACL that limits requests by address; such a stack must be in us-east-1. */
    waf: flag.default(false),
    /** ARN of a WAF web ACL that is there already. */
    webAclArn: edgeWebAclArn.optional(),
    /** A name at API Gateway itself, without CloudFront; needs `apiCertificateArn`. */
    apiDomainName: hostName.optional(),
    /** ARN of the ACM certificate of `apiDomainName`, in the stack's region. */
    apiCertificateArn: certificateArn.optional(),
    /** Whether the demo page is served at the edge, to anyone, in an organisation of its own. */
    demo: flag.default(false),
    /** Whether API Gateway logs every request of a socket: only where the account has a role for that, else the deployment fails. */
    accessLogs: flag.default(false),
    /** Whether this stack sets that role, in place of the one that other stacks of the account and region may use. */
    gatewayLogRole: flag.default(false),
  })
  .superRefine((settings, context) => {
    const refuse = (name: keyof typeof settings, message: string) =>
      context.addIssue({ code: "custom", path: [name], message });
    const isSet = (name: keyof typeof settings) =>
      settings[name] !== undefined && settings[name] !== false;

    for (const [name, other] of NEEDS)
      if (isSet(name) && !isSet(other)) refuse(name, `needs ${other}`);
    for (const [name, other] of APART)
      if (isSet(name) && isSet(other)) refuse(name, `must not be set together with ${other}`);
    if (settings.domainName !== undefined && settings.domainName === settings.apiDomainName)
      refuse("apiDomainName", "must be another name than domainName");
    if ((settings.heartbeatConcurrency ?? Number.POSITIVE_INFINITY) < settings.shards)
      refuse("heartbeatConcurrency", `must not be less than shards (${settings.shards})`);
  });
export type Settings = z.infer<typeof Settings>;

function separated(list: string): readonly string[] {
  return list.split(",").map((one) => one.trim());
}

/** What is wrong with a setting. */
interface Fault {
  readonly name: string;
  readonly message: string;
}

/**
 * Reads the settings from all of CDK's context; throws one sentence that names each wrong setting
 * and its value. The names of what CDK keeps there itself hold a `:` or a `/`. `region` is the stack's,
 * where it is known.
 */
export function readSettings(
  context: Readonly<Record<string, unknown>>,
  region?: string,
): Settings {
  const given = Object.entries(context).filter(([name]) => !/[:/]/.test(name));
  const result = Settings.safeParse(Object.fromEntries(given), { error: wordingOf });
  const wrong = result.success
    ? misplaced(result.data, region).map(sentence)
    : result.error.issues.flatMap(sentencesOf);
  if (result.success && wrong.length === 0) return result.data;
  throw new Error(wrong.join("; ").replace(/[^?]$/, "$&."));

  function sentencesOf(issue: z.core.$ZodIssue): readonly string[] {
    if (issue.code === "unrecognized_keys") return issue.keys.map(unknownSetting);
    return [sentence({ name: String(issue.path[0]), message: issue.message })];
  }

  function sentence({ name, message }: Fault): string {
    return `the setting ${name} (${JSON.stringify(context[name])}) is wrong: ${message}`;
  }
}

function unknownSetting(name: string): string {
  const meant = nearest(name, Object.keys(Settings.shape));
  const hint = meant === undefined ? "README.md lists all" : `did you mean ${meant}?`;
  return `there is no setting ${name}; ${hint}`;
}

/** What lies in another region than the stack's; one that makes a web ACL for CloudFront is in us-east-1. */
function misplaced(settings: Settings, region?: string): readonly Fault[] {
  const home = region ?? (settings.waf ? US_EAST_1 : undefined);
  if (home === undefined) return [];
  const elsewhere = IN_REGION.filter(
    (name) => ![undefined, home].includes(settings[name]?.split(":")[3]),
  );
  const faults = elsewhere.map((name) => ({
    name,
    message: `must be in ${home}, as the stack is`,
  }));
  if (!settings.waf || home === US_EAST_1) return faults;
  const message = `is for stacks in ${US_EAST_1}, and this one is in ${home}: make a web ACL there and give webAclArn`;
  return [{ name: "waf", message }, ...faults];
}
