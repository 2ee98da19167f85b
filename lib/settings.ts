import * as z from "zod";
import { CONTRACT_LIMITS } from "../lambdas/mudbase/limits.ts";
import { type Bound, HEARTBEAT, LIMITS } from "../lambdas/server/model/limits.ts";
import { BOUNDS, DEFAULTS } from "./defaults.ts";
import {
  certificateArn,
  edgeCertificateArn,
  edgeWebAclArn,
  flag,
  hostName,
  httpsUrl,
  isWholeMinutes,
  keyArn,
  origins,
  secretArn,
  text,
  topicArn,
  transports,
  WHOLE_MINUTES,
  whole,
} from "./setting-kinds.ts";

/** The retention periods that CloudWatch Logs offers, in days. */
const RETENTIONS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653];

/** A limit of the functions: its bounds and default stand where the functions read it. */
const limit = ({ min, max, default: value }: Bound) => whole(min, max).default(value);

/** Every setting with its meaning, in the groups of the tables of docs/settings.md. */
export const SETTINGS = {
  deployment: {
    stackName: z
      .string()
      .regex(/^[a-z][a-z\d-]{0,127}$/i, "must be letters, digits and hyphens, a letter first")
      .default("ServerlessSocketIo")
      .describe("the stack's name: one for each deployment in a region, e.g. `staging`"),
    functionMemory: whole(...BOUNDS.memorySize)
      .default(DEFAULTS.memorySize)
      .describe(
        "memory of each function in MiB, but of the polling function; its share of a processor grows with it",
      ),
    pollingMemory: whole(...BOUNDS.memorySize)
      .default(DEFAULTS.pollingMemorySize)
      .describe("memory of the polling function in MiB"),
    socketConcurrency: whole(...BOUNDS.socketConcurrency)
      .optional()
      .describe(
        "executions reserved for the socket function, which is also its maximum; none without it ([operations](operations.md#quotas-to-raise-before-a-launch))",
      ),
    heartbeatConcurrency: whole(...BOUNDS.heartbeatConcurrency)
      .optional()
      .describe("the same for the heartbeat, which needs one for each of the `shards`"),
    pollingConcurrency: whole(...BOUNDS.pollingConcurrency)
      .optional()
      .describe(
        "the same for the polling function: each GET that waits for packets occupies one ([operations](operations.md#long-polling))",
      ),
    deletionProtection: flag
      .default(DEFAULTS.deletionProtection)
      .describe("whether the table is kept when the stack is deleted"),
  },
  authentication: {
    tokenSecretArn: secretArn
      .optional()
      .describe(
        "whole ARN, six characters at its end included, of the Secrets Manager secret whose string verifies HS256 tokens; without it the stack makes a secret",
      ),
    tokenSecretKeyArn: keyArn
      .optional()
      .describe("ARN of the KMS key that `tokenSecretArn` is encrypted with, if it is your own"),
    tokenJwksUrl: httpsUrl
      .optional()
      .describe("HTTPS URL of a JWKS, for RS256, ES256 and EdDSA tokens, instead of a secret"),
    tokenIssuer: text.optional().describe("the `iss` that tokens must have; any without it"),
    tokenAudience: text.optional().describe("the `aud` that tokens must have; any without it"),
    adminSecretArn: secretArn
      .optional()
      .describe(
        "ARN of the Secrets Manager secret with the user name and the bcrypt hash of the Admin UI, which is served with it ([operations](operations.md#the-admin-ui))",
      ),
    adminSecretKeyArn: keyArn
      .optional()
      .describe("ARN of the KMS key that `adminSecretArn` is encrypted with, if it is your own"),
    adminReadonly: flag
      .default(true)
      .describe("whether the Admin UI only shows, and does not emit, join, leave or disconnect"),
    allowedOrigins: origins
      .default([])
      .describe(
        "origins of web pages that may connect, as browsers send them, separated by commas (or a list in `cdk.json`); all without it; the deployment's own addresses always may",
      ),
  },
  connections: {
    transports: transports
      .default([...DEFAULTS.transports])
      .describe(
        "how clients may connect, separated by commas (or a list in `cdk.json`): `polling,websocket`, or `websocket` alone; polling needs `edge`",
      ),
    pollWait: limit(LIMITS.pollWait).describe(
      "seconds that a GET of long polling waits for a packet",
    ),
    connectionsPerOrganisation: limit(LIMITS.connectionsPerTenant).describe(
      "connections an organisation may have at once; 0 is no limit",
    ),
    pingInterval: limit(HEARTBEAT.pingInterval)
      .refine(isWholeMinutes, WHOLE_MINUTES)
      .describe("milliseconds between two pings of the server, in whole minutes"),
    pingTimeout: limit(HEARTBEAT.pingTimeout).describe(
      `milliseconds a client waits beyond \`pingInterval\`: after both together it notices a dead connection; at least ${HEARTBEAT.pingTimeout.min}, because a ping may come a minute late`,
    ),
    maxPayload: limit(HEARTBEAT.maxPayload).describe(
      "bytes of the largest message, as announced to clients",
    ),
    connectionStateRecovery: limit(LIMITS.connectionStateRecovery).describe(
      "seconds for which a socket whose connection was lost may come back as the same one, and gets what it has missed; 0 turns it off",
    ),
    presenceGrace: limit(CONTRACT_LIMITS.presenceGrace).describe(
      "seconds after which a user counts as offline whose last connection was lost, not closed, within a minute more; at once where `connectionStateRecovery` is 0",
    ),
    shards: limit(LIMITS.shards).describe(
      "parts into which connections are divided for the heartbeat, each swept by an invocation of its own",
    ),
    fanOutPage: limit(LIMITS.fanOutPage).describe(
      "sockets of a room that one function posts to, and live queries that it matches; other functions do the rest",
    ),
  },
  socketLimits: {
    roomsPerSocket: limit(LIMITS.roomsPerSocket).describe(
      "rooms one socket may be in, the two it starts with included",
    ),
    walletRoomsPerSocket: limit(CONTRACT_LIMITS.walletRoomsPerSocket).describe(
      "wallet rooms one socket may be in",
    ),
    queriesPerSocket: limit(CONTRACT_LIMITS.queriesPerSocket).describe(
      "live queries one socket may hold",
    ),
    customPayloadBytes: limit(CONTRACT_LIMITS.customPayloadBytes).describe(
      "bytes of the payload of a `custom:*` event",
    ),
    messageContentBytes: limit(CONTRACT_LIMITS.messageContentBytes).describe(
      "bytes of a chat message's content",
    ),
  },
  userRates: {
    messageSendsPerSecond: limit(CONTRACT_LIMITS.messageSendsPerSecond).describe(
      "`message:send` in a second",
    ),
    messageEventsPerSecond: limit(CONTRACT_LIMITS.messageEventsPerSecond).describe(
      "other `message:*` and `messages:*` events in a second",
    ),
    customEventsPerSecond: limit(CONTRACT_LIMITS.customEventsPerSecond).describe(
      "`custom:*` events in a second",
    ),
    callEventsPerSecond: limit(CONTRACT_LIMITS.callEventsPerSecond).describe(
      "`call:*` events in a second",
    ),
    integrationEventsPerSecond: limit(CONTRACT_LIMITS.integrationEventsPerSecond).describe(
      "`integration:*` events in a second",
    ),
    eventsPerSecond: limit(LIMITS.eventsPerSecond).describe(
      "all other events in a second, connecting included",
    ),
    framesPerSecond: limit(LIMITS.framesPerSecond).describe(
      "frames in a second, all sockets together, whatever they carry",
    ),
  },
  throttles: {
    requestsPerSecond: whole(...BOUNDS.requestsPerSecond)
      .default(DEFAULTS.requestsPerSecond)
      .describe(
        "upgrades in a second, frames in a second, and requests of long polling in a second, of all sockets together",
      ),
    webhooksPerSecond: whole(1, 1_000_000)
      .default(100)
      .describe("deliveries of webhooks in a second, all together"),
  },
  messagesAndIntegrations: {
    messageRetentionDays: limit(CONTRACT_LIMITS.messageRetentionDays).describe(
      "days a chat message is kept; 0 keeps it for good",
    ),
    integrationSecretPrefix: z
      .string()
      .regex(/^[\w/+=.@-]{1,200}\/$/, "must be a name that ends with /")
      .default("serverless-socket-io/integrations/")
      .describe("what the names of those secrets begin with that integrations may use"),
    integrationSecretKeyArn: keyArn
      .optional()
      .describe("ARN of the KMS key that those secrets are encrypted with, if it is your own"),
  },
  addresses: {
    edge: flag
      .default(true)
      .describe("whether CloudFront stands in front, so that Socket.IO's default path works"),
    domainName: hostName
      .optional()
      .describe("a domain name of your own for the edge; needs `certificateArn`"),
    certificateArn: edgeCertificateArn
      .optional()
      .describe("ARN of the ACM certificate of `domainName`, in us-east-1"),
    waf: flag
      .default(false)
      .describe(
        "whether the stack makes a WAF web ACL that limits requests by address; it must then be in us-east-1",
      ),
    webAclArn: edgeWebAclArn.optional().describe("ARN of a WAF web ACL that exists, for the edge"),
    apiDomainName: hostName
      .optional()
      .describe(
        "a domain name of your own at API Gateway itself, without CloudFront; needs `apiCertificateArn`",
      ),
    apiCertificateArn: certificateArn
      .optional()
      .describe("ARN of the ACM certificate of `apiDomainName`, in the stack's region"),
    demo: flag
      .default(false)
      .describe(
        "whether the page of `npm start` is served at the edge (output `DemoUrl`): anyone may use it, in an organisation of its own",
      ),
  },
  logsAndAlarms: {
    lifecycleEvents: flag
      .default(false)
      .describe(
        "whether other systems are notified when sockets connect and disconnect and when rooms are occupied and vacated, on a bus (output `LifecycleBusName`)",
      ),
    alarmTopicArn: topicArn
      .optional()
      .describe("ARN of the SNS topic that alarms are sent to; to none without it"),
    logRetentionDays: whole(1, 3653)
      .refine((days) => RETENTIONS.includes(days), `must be one of ${RETENTIONS.join(", ")}`)
      .default(DEFAULTS.logRetention)
      .describe("days for which logs are kept: 1, 3, 5, 7, 14, 30, 60, 90 and so on"),
    tracing: flag.default(DEFAULTS.tracing).describe("whether X-Ray traces the functions"),
    accessLogs: flag
      .default(DEFAULTS.accessLogs)
      .describe(
        "whether API Gateway logs every request of a socket; the deployment fails if the account has no role for it",
      ),
    gatewayLogRole: flag
      .default(DEFAULTS.gatewayLogRole)
      .describe(
        "whether the stack sets that role, replacing the one that other stacks of the account and region may use",
      ),
  },
} as const;
