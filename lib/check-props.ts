import { Token } from "aws-cdk-lib";
import { RetentionDays } from "aws-cdk-lib/aws-logs";
import * as z from "zod";
import { LIMITS } from "../lambdas/server/model/limits.ts";
import { METRICS } from "../lambdas/server/model/telemetry.ts";
import { wordingOf } from "../lambdas/server/model/wording.ts";
import { BOUNDS } from "./defaults.ts";
import { nearest } from "./nearest.ts";
import type { ServerOptions } from "./server-props.ts";
import { keyArn, originList, secretArn, whole } from "./setting-kinds.ts";
import type { ItemAction } from "./state-table.ts";
import { areTransports, TRANSPORTS_RULE } from "./transports.ts";

const flag = z.boolean({ error: "must be true or false" }).optional();
const text = z.string({ error: "must be a text" });
const transports = z
  .array(z.string(), { error: TRANSPORTS_RULE })
  .refine((given: readonly string[]) => areTransports(given), TRANSPORTS_RULE);

/** What only the deployment knows, such as the ARN of a secret of the same application, is not checked. */
const orToken = (schema: z.ZodType) =>
  z.unknown().superRefine((given, { addIssue }) => {
    if (Token.isUnresolved(given)) return;
    for (const { message } of schema.safeParse(given).error?.issues ?? []) addIssue(message);
  });

/** Every prop of a server; what is checked elsewhere may be anything here. */
const PROPS = {
  app: text.optional(),
  functions: z.unknown().optional(),
  limits: z.unknown().optional(),
  applicationLimits: z.record(z.string(), z.number({ error: "must be a number" })).optional(),
  heartbeat: z.unknown().optional(),
  allowedOrigins: z
    .preprocess(
      (given) => (Array.isArray(given) ? given.filter((one) => !Token.isUnresolved(one)) : given),
      originList,
    )
    .optional(),
  transports: transports.optional(),
  environment: z.record(z.string(), text).optional(),
  lateModules: z.array(text).optional(),
  memorySize: whole(...BOUNDS.memorySize).optional(),
  pollingMemorySize: whole(...BOUNDS.memorySize).optional(),
  socketConcurrency: whole(...BOUNDS.socketConcurrency).optional(),
  heartbeatConcurrency: whole(...BOUNDS.heartbeatConcurrency).optional(),
  pollingConcurrency: whole(...BOUNDS.pollingConcurrency).optional(),
  requestsPerSecond: whole(...BOUNDS.requestsPerSecond).optional(),
  logRetention: z
    .number()
    .refine((days) => Object.hasOwn(RetentionDays, days), "must be one of RetentionDays")
    .optional(),
  tracing: flag,
  deletionProtection: flag,
  accessLogs: flag,
  gatewayLogRole: flag,
  admin: z
    .strictObject({
      secretArn: orToken(secretArn),
      secretKeyArn: orToken(keyArn).optional(),
      readonly: flag,
    })
    .optional(),
} as const satisfies Readonly<Record<keyof ServerOptions | "app" | "functions", z.ZodType>>;

const Props = z.object(PROPS);

/** What constructs of others are known by here: those of two copies of the CDK are of two classes. */
const construct = (property: string, what: string) =>
  z.custom((given) => typeof given === "object" && given !== null && property in given, {
    error: `must be ${what}`,
  });
const functions = z.array(construct("functionArn", "a function")).optional();
const certificate = construct("certificateArn", "a certificate");
const domainName = text.min(1);

/** What the methods of a server take. */
const OPTIONS = {
  addEdge: z.object({
    name: z.strictObject({ domainName, certificate }).optional(),
    webAcl: text.optional(),
  }),
  addDomainName: z.object({ domainName, certificate }),
  addAlarms: z.object({ functions, topic: construct("topicArn", "a topic").optional() }),
  addDashboard: z.object({
    functions,
    failures: z.array(construct("toMetricConfig", "a metric")).optional(),
  }),
  metric: z.object({
    name: z.enum(METRICS),
    dimensions: z.strictObject({ event: text, outcome: text, route: text }).partial(),
  }),
  grantSend: z.object({
    sender: construct("functionArn", "a function"),
    also: z.array(z.enum(["GetItem", "PutItem"] satisfies ItemAction[])),
  }),
} as const;

/** Throws one sentence that names every prop that is wrong or unknown, at the construct's path. */
export function checkProps(props: ServerOptions, path: string): void {
  const faults = faultsIn(Props, props);
  for (const name of Object.keys(props.applicationLimits ?? {}))
    if (Object.hasOwn(LIMITS, name))
      faults.push(`applicationLimits.${name} is a limit of the server, and belongs into limits`);
  if (props.pollingConcurrency !== undefined && props.transports?.includes("polling") === false)
    faults.push("pollingConcurrency needs polling among transports");
  if ("app" in props === "functions" in props) faults.push("either app or functions is required");
  if (faults.length > 0) throw new Error(`${path}: ${faults.join("; ")}.`);
}

/** The same of what a method is given. */
export function checkOptions(method: keyof typeof OPTIONS, options: object, path: string): void {
  const faults = faultsIn(OPTIONS[method], options);
  if (faults.length > 0) throw new Error(`${path}: ${method}: ${faults.join("; ")}.`);
}

function faultsIn(schema: z.ZodObject, given: object): string[] {
  const result = schema.safeParse(given, { error: wordingOf });
  const wrong = result.success ? [] : result.error.issues.map(faultOf);
  return [...unknownIn(given, Object.keys(schema.shape)), ...wrong];
}

/** What is said of a value that is wrong. */
const faultOf = ({ path, message }: z.core.$ZodIssue): string => `${path.join(".")} ${message}`;

/** What is said of names that mean nothing. */
export const unknownIn = (given: object, known: readonly string[]): string[] =>
  Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => {
      const meant = nearest(name, known);
      return `there is no ${name}${meant === undefined ? "" : `, but ${meant}`}`;
    });
