import * as z from "zod";

const MESSAGE_BYTES = 128 * 1024;

const RETENTIONS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653];

const hostName = z.string().regex(/^(?=.{4,253}$)([\w-]+\.)+[a-z]{2,}$/i, "must be a host name");
const flag = z.stringbool().or(z.boolean());
const whole = z.coerce.number().int();
const arnOf = (service: string) =>
  z
    .string()
    .regex(new RegExp(`^arn:[^:]+:${service}:`), `must be the ARN of a ${service} resource`);

/** Settings that mean nothing without another one. */
const TOGETHER = [
  ["domainName", "certificateArn"],
  ["certificateArn", "domainName"],
  ["apiDomainName", "apiCertificateArn"],
  ["apiCertificateArn", "apiDomainName"],
] as const;
const OF_EDGE = ["domainName", "waf", "webAclArn", "demo"] as const;

/** The settings of a deployment, given as CDK context: `cdk deploy -c pingInterval=120000`. */
export const Settings = z
  .strictObject({
    /** The stack's name, by which a region's deployments are told apart. */
    stackName: z
      .string()
      .regex(/^[a-z][a-z\d-]{0,127}$/i, "must be letters, digits and hyphens, a letter first")
      .default("ServerlessSocketIo"),
    /** ARN of the Secrets Manager secret whose string value verifies HS256 tokens. Default: the stack makes one. */
    tokenSecretArn: arnOf("secretsmanager").optional(),
    /** URL of the JWKS that verifies RS256, ES256 and EdDSA tokens, instead of a secret. */
    tokenJwksUrl: z.url({ protocol: /^https$/ }).optional(),
    /** The `iss` that tokens must carry. Default: any. */
    tokenIssuer: z.string().min(1).optional(),
    /** The `aud` that tokens must carry. Default: any. */
    tokenAudience: z.string().min(1).optional(),
    /** Origins of web pages that may connect, e.g. `https://app.example.org`, as a list or separated by commas. Default: all. */
    allowedOrigins: z
      .string()
      .transform((text) => text.split(",").map((origin) => origin.trim()))
      .or(z.array(z.string()))
      .pipe(
        z.array(
          z.string().regex(/^https?:\/\/[^/\s]+$/, "must be origins like https://app.example.org"),
        ),
      )
      .default([]),
    /** Connections an organisation may have at once; 0 is no limit. */
    connectionsPerOrganisation: whole.min(0).max(10_000_000).default(0),
    /** Milliseconds between two pings of the server: whole minutes, because the sweep comes by the minute. */
    pingInterval: whole.min(60_000).max(540_000).default(240_000),
    /** Milliseconds a client waits beyond `pingInterval` before it gives the connection up: a ping may come a minute late. */
    pingTimeout: whole.min(90_000).max(86_400_000).default(120_000),
    /** Bytes of the largest message a client may send. */
    maxPayload: whole.min(1024).max(MESSAGE_BYTES).default(MESSAGE_BYTES),
    /** Parts into which connections are divided for the sweep; each is swept by an invocation of its own. */
    shards: whole.min(1).max(1000).default(16),
    /** Sockets of a room that one function posts to; the rest it hands on to others. */
    fanOutPage: whole.min(2).max(5000).default(1000),
    /** Rooms one socket may be in, the two it starts with included. */
    roomsPerSocket: whole.min(2).max(1000).default(200),
    /** Wallet rooms one socket may be in. */
    walletRoomsPerSocket: whole.min(1).max(1000).default(50),
    /** Live queries one socket may hold. */
    queriesPerSocket: whole.min(1).max(100).default(20),
    /** Bytes of the payload of a `custom:*` event. */
    customPayloadBytes: whole
      .min(1)
      .max(MESSAGE_BYTES)
      .default(32 * 1024),
    /** Bytes of the content of a chat message. */
    messageContentBytes: whole
      .min(1)
      .max(MESSAGE_BYTES)
      .default(16 * 1024),
    /** `message:send` of a user in a second; ten seconds' worth may come at once; 0 is no limit. The same below. */
    messageSendsPerSecond: whole.min(0).max(10_000).default(10),
    /** The other `message:*` events of a user in a second. */
    messageEventsPerSecond: whole.min(0).max(10_000).default(20),
    /** `custom:*` events of a user in a second. */
    customEventsPerSecond: whole.min(0).max(10_000).default(100),
    /** `call:*` events of a user in a second. */
    callEventsPerSecond: whole.min(0).max(10_000).default(5),
    /** `integration:*` events of a user in a second. */
    integrationEventsPerSecond: whole.min(0).max(10_000).default(10),
    /** Frames of a socket in a second, whatever they carry. */
    framesPerSecond: whole.min(0).max(10_000).default(200),
    /** Days a chat message is kept; 0 keeps it for good. */
    messageRetentionDays: whole.min(0).max(36_500).default(0),
    /** What the names of those Secrets Manager secrets begin with that integrations may use. */
    integrationSecretPrefix: z
      .string()
      .regex(/^[\w/+=.@-]{1,200}\/$/, "must be a name that ends with /")
      .default("serverless-socket-io/integrations/"),
    /** Memory of the socket function in MiB; its share of a processor grows with it. */
    functionMemory: whole.min(128).max(10_240).default(512),
    /** Whether the table outlives the stack. */
    deletionProtection: flag.default(true),
    /** Days for which logs are kept, as CloudWatch has them: 1, 3, 5, 7, 14, 30, 60, 90 and so on. */
    logRetentionDays: z.coerce
      .number()
      .refine((days) => RETENTIONS.includes(days), `must be one of ${RETENTIONS.join(", ")}`)
      .default(30),
    /** Whether X-Ray traces the functions. */
    tracing: flag.default(false),
    /** ARN of the SNS topic that is told of alarms. Default: nobody is. */
    alarmTopicArn: arnOf("sns").optional(),
    /** Whether CloudFront stands in front, so that Socket.IO's default path works. */
    edge: flag.default(true),
    /** The public name of the edge; needs `certificateArn`. */
    domainName: hostName.optional(),
    /** ARN of the ACM certificate of `domainName`, in us-east-1. */
    certificateArn: arnOf("acm").optional(),
    /** Whether to make a WAF web ACL that limits requests by address; such a stack must be in us-east-1. */
    waf: flag.default(false),
    /** ARN of a WAF web ACL that is there already. */
    webAclArn: arnOf("wafv2").optional(),
    /** A name at API Gateway itself, without CloudFront; needs `apiCertificateArn`. */
    apiDomainName: hostName.optional(),
    /** ARN of the ACM certificate of `apiDomainName`, in the stack's region. */
    apiCertificateArn: arnOf("acm").optional(),
    /** Whether the demo page is served at the edge, to anyone, in an organisation of its own. */
    demo: flag.default(false),
    /** Whether this stack sets the account's role that lets API Gateway write logs; once a region is enough. */
    gatewayLogRole: flag.default(true),
  })
  .superRefine((settings, context) => {
    for (const [name, other] of TOGETHER)
      if (settings[name] !== undefined && settings[other] === undefined)
        context.addIssue({ code: "custom", path: [name], message: `needs ${other}` });
    for (const name of OF_EDGE)
      if (!settings.edge && settings[name] !== undefined && settings[name] !== false)
        context.addIssue({ code: "custom", path: [name], message: "needs edge" });
    if (settings.waf && settings.webAclArn !== undefined)
      context.addIssue({ code: "custom", path: ["webAclArn"], message: "is there with waf" });
    if (settings.demo && settings.tokenJwksUrl !== undefined)
      context.addIssue({
        code: "custom",
        path: ["demo"],
        message: "signs tokens, which tokenJwksUrl leaves to others",
      });
  })
  .refine((settings) => !(settings.tokenSecretArn && settings.tokenJwksUrl), {
    path: ["tokenJwksUrl"],
    error: "must not be set together with tokenSecretArn",
  });
export type Settings = z.infer<typeof Settings>;

const NAMES = Object.keys(Settings.shape).join(", ");

/**
 * Reads the settings from all of CDK's context; throws one sentence that names each wrong setting
 * and its value. What CDK keeps there itself has a name that is more than one word.
 */
export function readSettings(context: Readonly<Record<string, unknown>>): Settings {
  const given = Object.entries(context).filter(([name]) => /^\w+$/.test(name));
  const result = Settings.safeParse(Object.fromEntries(given));
  if (result.success) return result.data;

  throw new Error(
    `${result.error.issues.flatMap((issue) => describe(issue, context)).join("; ")}.`,
  );
}

function describe(
  issue: z.core.$ZodIssue,
  context: Readonly<Record<string, unknown>>,
): readonly string[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((name) => `there is no setting ${name}; there are ${NAMES}`);
  const name = issue.path.join(".");
  return [`the setting ${name} (${JSON.stringify(context[name])}) is wrong: ${issue.message}`];
}
