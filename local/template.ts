import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { type EdgeDefinition, edgeOf } from "./template-edge.ts";
import {
  type AsyncConfig,
  asyncConfigOf,
  deadLetterQueuesOf,
  type EventSourceDefinition,
  eventSourcesOf,
} from "./template-invocations.ts";
import { policiesOf } from "./template-policies.ts";
import { type StandingDefinition, standingOf } from "./template-standing.ts";
import { ofType, Resource, type Resources, resolve, text } from "./template-values.ts";

const Template = z.object({ Resources: z.record(z.string(), Resource) });

/** A Lambda function of the template: its name is its logical id. */
export interface FunctionDefinition {
  readonly name: string;
  /** Folder of the bundle that the CDK made. */
  readonly code: string;
  /** `<file>.<export>`, as Lambda reads it. */
  readonly handler: string;
  readonly timeoutSeconds: number;
  /** MiB. */
  readonly memory: number;
  /** Whether Lambda itself logs that an invocation begins, and how it was. */
  readonly logsInvocations: boolean;
  /** Executions reserved for it, which is also its maximum. */
  readonly reservedConcurrency?: number | undefined;
  readonly async: AsyncConfig;
  readonly environment: Readonly<Record<string, string>>;
}

/** A DynamoDB table of the template, with the parameters of `CreateTable`. */
export interface TableDefinition {
  readonly name: string;
  readonly attributes: unknown;
  readonly keySchema: readonly KeyElement[];
  readonly indexes: readonly IndexDefinition[];
  readonly ttlAttribute?: string | undefined;
  /** The view type of its stream, e.g. `NEW_AND_OLD_IMAGES`; `undefined` without a stream. */
  readonly streamViewType?: string | undefined;
}

/** An attribute of a table's key. */
interface KeyElement {
  readonly AttributeName: string;
}

/** A global secondary index of a table, as in the parameters of `CreateTable`. */
export interface IndexDefinition {
  readonly KeySchema: readonly KeyElement[];
  readonly Projection?: { readonly ProjectionType?: string };
}

/** The WebSocket API of the template: the function behind each route. */
export interface ApiDefinition {
  readonly apiId: string;
  readonly stage: string;
  readonly routeSelection: string;
  readonly routes: ReadonlyMap<string, string>;
}

/** A route of the template's HTTP API, e.g. `POST /webhooks/{projectId}`, and the function behind it. */
export interface HttpRoute {
  readonly method: string;
  readonly path: string;
  readonly functionName: string;
  readonly apiId: string;
}

/** A rule of the template: the events of a bus that invoke functions. */
export interface RuleDefinition {
  readonly busName: string;
  /** The prefix of sources whose events the rule excludes. */
  readonly exceptSources: string;
  readonly functionNames: readonly string[];
}

/** A schedule of the template: a function that is invoked every minute. */
export interface ScheduleDefinition {
  readonly functionName: string;
  /** The input, in which EventBridge Scheduler replaces the scheduled time. */
  readonly input: object;
}

/** The resources of the stack that run locally. */
export interface StackDefinition {
  readonly functions: readonly FunctionDefinition[];
  readonly tables: readonly TableDefinition[];
  readonly api: ApiDefinition;
  readonly httpRoutes: readonly HttpRoute[];
  readonly rules: readonly RuleDefinition[];
  readonly schedules: readonly ScheduleDefinition[];
  readonly eventSources: readonly EventSourceDefinition[];
  /** The dead-letter queue behind each function that has one. */
  readonly deadLetterQueues: ReadonlyMap<string, string>;
  /** The policies of each function's role. */
  readonly policies: ReadonlyMap<string, readonly object[]>;
  /** What stands in front of the APIs. */
  readonly edge: EdgeDefinition;
  readonly standing: StandingDefinition;
}

/**
 * Reads the stack in the folder that `cdk synth` wrote. Throws one sentence that names what in the
 * template is missing or not supported.
 */
export function readStack(assembly: string): StackDefinition {
  const file = findTemplate(assembly);
  const template = Template.safeParse(readJson(file));
  if (!template.success)
    throw new Error(`${file} is not a template: ${z.prettifyError(template.error)}`);

  const resources = template.data.Resources;
  return {
    functions: ofType(resources, "AWS::Lambda::Function").map(
      ([name, { Properties, Metadata }]) => ({
        name,
        code: join(assembly, text(Metadata["aws:asset:path"], `the asset path of ${name}`)),
        handler: text(Properties.Handler, `the Handler of ${name}`),
        timeoutSeconds: Number(Properties.Timeout ?? 3),
        memory: Number(Properties.MemorySize ?? 128),
        logsInvocations: !isQuiet(Properties.LoggingConfig),
        ...(Properties.ReservedConcurrentExecutions !== undefined && {
          reservedConcurrency: Number(Properties.ReservedConcurrentExecutions),
        }),
        async: asyncConfigOf(resources, name),
        environment: variables(Properties.Environment),
      }),
    ),
    tables: [
      ...ofType(resources, "AWS::DynamoDB::Table"),
      ...ofType(resources, "AWS::DynamoDB::GlobalTable"),
    ].map(([name, { Properties }]) => tableOf(name, Properties)),
    api: apiOf(resources),
    httpRoutes: httpRoutesOf(resources),
    rules: ofType(resources, "AWS::Events::Rule").map(([name, { Properties }]) =>
      ruleOf(name, Properties),
    ),
    schedules: ofType(resources, "AWS::Scheduler::Schedule").map(([name, { Properties }]) =>
      scheduleOf(name, Properties),
    ),
    eventSources: eventSourcesOf(resources),
    deadLetterQueues: deadLetterQueuesOf(resources),
    policies: policiesOf(resources),
    edge: edgeOf(resources),
    standing: standingOf(resources),
  };
}

function findTemplate(assembly: string): string {
  const manifest = readJson(join(assembly, "manifest.json")) as {
    readonly artifacts?: Record<string, { type: string; properties?: { templateFile?: string } }>;
  };
  const files = Object.values(manifest.artifacts ?? {})
    .filter(({ type }) => type === "aws:cloudformation:stack")
    .flatMap(({ properties }) => properties?.templateFile ?? []);
  const [file] = files;
  if (file === undefined) throw new Error(`${assembly}/manifest.json names no stack.`);
  return join(assembly, file);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new Error(`${file} cannot be read as JSON: ${(cause as Error).message}.`, { cause });
  }
}

const isQuiet = (config: unknown): boolean =>
  (config as { readonly SystemLogLevel?: string } | undefined)?.SystemLogLevel === "WARN";

function tableOf(name: string, properties: Readonly<Record<string, unknown>>): TableDefinition {
  const ttl = properties.TimeToLiveSpecification as { AttributeName?: string } | undefined;
  const stream = properties.StreamSpecification as { StreamViewType?: string } | undefined;
  return {
    name,
    attributes: properties.AttributeDefinitions,
    keySchema: (properties.KeySchema ?? []) as readonly KeyElement[],
    indexes: (properties.GlobalSecondaryIndexes as readonly IndexDefinition[] | undefined) ?? [],
    ttlAttribute: ttl?.AttributeName,
    streamViewType: stream?.StreamViewType,
  };
}

function apiOf(resources: Resources): ApiDefinition {
  const found = ofType(resources, "AWS::ApiGatewayV2::Api").find(
    ([, { Properties }]) => Properties.ProtocolType === "WEBSOCKET",
  );
  if (found === undefined) throw new Error("The template has no WebSocket AWS::ApiGatewayV2::Api.");
  const [apiId, api] = found;
  const [stage] = partsOf(resources, "Stage", apiId);
  const routes = routesOf(resources, apiId);
  return {
    apiId,
    stage: text(stage?.[1].Properties.StageName, "the StageName of the API"),
    routeSelection: text(api.Properties.RouteSelectionExpression, `the routes of ${apiId}`),
    routes: new Map(routes),
  };
}

const partsOf = (resources: Resources, part: "Stage" | "Route", apiId: string) =>
  ofType(resources, `AWS::ApiGatewayV2::${part}`).filter(
    ([, { Properties }]) => resolve(Properties.ApiId) === apiId,
  );

const routesOf = (resources: Resources, apiId: string) =>
  partsOf(resources, "Route", apiId).map(([name, { Properties }]) => {
    const routeKey = text(Properties.RouteKey, `the RouteKey of ${name}`);
    return [routeKey, targetOf(resources, name, resolve(Properties.Target))] as const;
  });

const httpRoutesOf = (resources: Resources): readonly HttpRoute[] =>
  ofType(resources, "AWS::ApiGatewayV2::Api")
    .filter(([, { Properties }]) => Properties.ProtocolType === "HTTP")
    .flatMap(([apiId]) =>
      routesOf(resources, apiId).map(([routeKey, functionName]) => {
        const [method = "", path = ""] = routeKey.split(" ");
        return { method, path, functionName, apiId };
      }),
    );

const Pattern = z.object({
  source: z.tuple([z.object({ "anything-but": z.object({ prefix: z.string() }) })]),
});

function ruleOf(name: string, properties: Readonly<Record<string, unknown>>): RuleDefinition {
  const pattern = Pattern.safeParse(properties.EventPattern);
  if (!pattern.success)
    throw new Error(
      `The rule ${name} of the template has a pattern that is not supported locally.`,
    );
  const targets = (properties.Targets as readonly { readonly Arn: unknown }[] | undefined) ?? [];
  return {
    busName: text(properties.EventBusName, `the EventBusName of ${name}`),
    exceptSources: pattern.data.source[0]["anything-but"].prefix,
    functionNames: targets.map(({ Arn }) => String(resolve(Arn)).split(":function:")[1] ?? ""),
  };
}

function scheduleOf(
  name: string,
  { ScheduleExpression, Target }: Readonly<Record<string, unknown>>,
): ScheduleDefinition {
  const { Arn, Input = "{}" } = Target as { readonly Arn: unknown; readonly Input?: string };
  const functionName = String(resolve(Arn)).split(":function:")[1];
  if (ScheduleExpression !== "cron(* * * * ? *)" || functionName === undefined)
    throw new Error(`The schedule ${name} of the template is not supported locally.`);
  return { functionName, input: JSON.parse(Input) as object };
}

/** The function a route's integration invokes. */
function targetOf(resources: Resources, route: string, target: unknown): string {
  const integration = resources[String(target).replace(/^integrations\//, "")];
  const uri = resolve(integration?.Properties.IntegrationUri);
  const name = /:function:([^/:]+)(?:\/invocations)?$/.exec(String(uri))?.[1];
  if (name === undefined || resources[name] === undefined)
    throw new Error(`The route ${route} of the template has no function (${String(uri)}).`);
  return name;
}

function variables(environment: unknown): Readonly<Record<string, string>> {
  const values = (environment as { Variables?: Record<string, unknown> } | undefined)?.Variables;
  return Object.fromEntries(
    Object.entries(values ?? {}).map(([name, value]) => [name, String(resolve(value))]),
  );
}
