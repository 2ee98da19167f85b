import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

/** The region and the account of everything played here. */
export const REGION = "us-east-1";
export const ACCOUNT = "000000000000";

const Resource = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  Metadata: z.record(z.string(), z.unknown()).default({}),
});
const Template = z.object({ Resources: z.record(z.string(), Resource) });

/** A Lambda function of the template: its name is its logical id. */
export interface FunctionDefinition {
  readonly name: string;
  /** Folder of the bundle that the CDK made. */
  readonly code: string;
  /** `<file>.<export>`, as Lambda reads it. */
  readonly handler: string;
  readonly timeoutSeconds: number;
  /** How often an asynchronous invocation is tried. */
  readonly asyncTries: number;
  readonly environment: Readonly<Record<string, string>>;
}

/** A DynamoDB table of the template, in the words of `CreateTable`. */
export interface TableDefinition {
  readonly name: string;
  readonly attributes: unknown;
  readonly keySchema: unknown;
  readonly indexes: readonly unknown[];
  readonly ttlAttribute?: string | undefined;
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
}

/** A rule of the template: which events of which bus go to which functions. */
export interface RuleDefinition {
  readonly busName: string;
  /** Sources whose events the rule does not take, by how they begin. */
  readonly exceptSources: string;
  readonly functionNames: readonly string[];
}

/** A schedule of the template: a function invoked for every minute. */
export interface ScheduleDefinition {
  readonly functionName: string;
  /** What it is invoked with, in which EventBridge Scheduler still has to name the time. */
  readonly input: object;
}

/** What of the deployed stack runs on this machine. */
export interface StackDefinition {
  readonly functions: readonly FunctionDefinition[];
  readonly tables: readonly TableDefinition[];
  readonly api: ApiDefinition;
  readonly httpRoutes: readonly HttpRoute[];
  readonly rules: readonly RuleDefinition[];
  readonly schedules: readonly ScheduleDefinition[];
  /** The dead-letter queue behind each function that has one. */
  readonly deadLetterQueues: ReadonlyMap<string, string>;
  /** The policies of each function's role. */
  readonly policies: ReadonlyMap<string, readonly object[]>;
  /** The code of the CloudFront function in front of the API. */
  readonly edgeCode: string;
}

type Resources = Readonly<Record<string, z.infer<typeof Resource>>>;

/**
 * Reads the one stack in the folder that `cdk synth` wrote. Throws one sentence that names what in
 * the template is missing or not understood here.
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
        asyncTries: asyncTriesOf(resources, name),
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
    deadLetterQueues: deadLetterQueuesOf(resources),
    policies: policiesOf(resources),
    edgeCode: text(
      ofType(resources, "AWS::CloudFront::Function")[0]?.[1].Properties.FunctionCode,
      "the code of a CloudFront function",
    ),
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

const ofType = (resources: Resources, type: string) =>
  Object.entries(resources).filter(([, resource]) => resource.Type === type);

function tableOf(name: string, properties: Readonly<Record<string, unknown>>): TableDefinition {
  const ttl = properties.TimeToLiveSpecification as { AttributeName?: string } | undefined;
  return {
    name,
    attributes: properties.AttributeDefinitions,
    keySchema: properties.KeySchema,
    indexes: (properties.GlobalSecondaryIndexes as readonly unknown[] | undefined) ?? [],
    ttlAttribute: ttl?.AttributeName,
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
    .flatMap(([apiId]) => routesOf(resources, apiId))
    .map(([routeKey, functionName]) => {
      const [method = "", path = ""] = routeKey.split(" ");
      return { method, path, functionName };
    });

const Pattern = z.object({
  source: z.tuple([z.object({ "anything-but": z.object({ prefix: z.string() }) })]),
});

function ruleOf(name: string, properties: Readonly<Record<string, unknown>>): RuleDefinition {
  const pattern = Pattern.safeParse(properties.EventPattern);
  if (!pattern.success)
    throw new Error(`The rule ${name} of the template has a pattern that cannot be played here.`);
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
    throw new Error(`The schedule ${name} of the template cannot be played here.`);
  return { functionName, input: JSON.parse(Input) as object };
}

const Failing = z.object({
  FunctionName: z.unknown(),
  DestinationConfig: z.optional(z.object({ OnFailure: z.object({ Destination: z.unknown() }) })),
});

function deadLetterQueuesOf(resources: Resources): ReadonlyMap<string, string> {
  const configured = ofType(resources, "AWS::Lambda::EventInvokeConfig").map(([, { Properties }]) =>
    Failing.parse(Properties),
  );
  return new Map(
    configured.flatMap(({ FunctionName, DestinationConfig }) =>
      DestinationConfig === undefined
        ? []
        : [
            [
              String(resolve(FunctionName)),
              String(resolve(DestinationConfig.OnFailure.Destination)).split(":function:")[1] ?? "",
            ] as const,
          ],
    ),
  );
}

const Policy = z.object({
  PolicyDocument: z.looseObject({ Statement: z.array(z.looseObject({ Resource: z.unknown() })) }),
});

/** The policies of each function's role, with the ARNs that the resources have here. */
function policiesOf(resources: Resources): ReadonlyMap<string, readonly object[]> {
  const attached = ofType(resources, "AWS::IAM::Policy").map(([, { Properties }]) => ({
    roles: JSON.stringify(Properties.Roles),
    policies: [Policy.parse(Properties)],
  }));
  return new Map(
    ofType(resources, "AWS::Lambda::Function").flatMap(([name, { Properties }]) => {
      const { "Fn::GetAtt": [role] = [] } = (Properties.Role ?? {}) as {
        readonly "Fn::GetAtt"?: readonly string[];
      };
      // Only a rehearsal has functions without one.
      if (role === undefined) return [];
      const own = z.array(Policy).parse(resources[role]?.Properties.Policies ?? []);
      const others = attached.filter(({ roles }) => roles.includes(`"Ref":"${role}"`));
      const documents = [...own, ...others.flatMap(({ policies }) => policies)];
      return [[name, documents.map((policy) => resolvePolicy(policy, resources))] as const];
    }),
  );
}

const resolvePolicy = ({ PolicyDocument }: z.infer<typeof Policy>, resources: Resources) => ({
  ...PolicyDocument,
  Statement: PolicyDocument.Statement.map((statement) => ({
    ...statement,
    Resource: [statement.Resource].flat().map((resource) => arnIn(resource, resources)),
  })),
});

/** The ARN that an intrinsic of a policy stands for. */
function arnIn(value: unknown, resources: Resources): string {
  const {
    "Fn::GetAtt": attribute,
    "Fn::Join": joined,
    Ref,
  } = (value ?? {}) as {
    readonly "Fn::GetAtt"?: readonly [string, string];
    readonly "Fn::Join"?: readonly [string, readonly unknown[]];
    readonly Ref?: string;
  };
  if (joined !== undefined)
    return joined[1]
      .map((part) => (typeof part === "string" ? part : arnIn(part, resources)))
      .join(joined[0]);
  const name = attribute?.[0] ?? Ref ?? "";
  const kind = ARN_KINDS[resources[name]?.Type ?? ""];
  return kind === undefined ? String(resolve(value)) : `arn:aws:${kind}${name}`;
}

/** The middle of an ARN, by the type of resource that has one here. */
const ARN_KINDS: Readonly<Record<string, string>> = {
  "AWS::DynamoDB::Table": `dynamodb:${REGION}:${ACCOUNT}:table/`,
  "AWS::DynamoDB::GlobalTable": `dynamodb:${REGION}:${ACCOUNT}:table/`,
  "AWS::SecretsManager::Secret": `secretsmanager:${REGION}:${ACCOUNT}:secret:`,
  "AWS::SQS::Queue": `sqs:${REGION}:${ACCOUNT}:`,
  "AWS::Logs::LogGroup": `logs:${REGION}:${ACCOUNT}:log-group:`,
};

/** How often Lambda tries an asynchronous invocation. */
function asyncTriesOf(resources: Resources, name: string): number {
  const configured = ofType(resources, "AWS::Lambda::EventInvokeConfig").find(
    ([, { Properties }]) => resolve(Properties.FunctionName) === name,
  );
  return 1 + Number(configured?.[1].Properties.MaximumRetryAttempts ?? 2);
}

/** The function a route's integration invokes. */
function targetOf(resources: Resources, route: string, target: unknown): string {
  const integration = resources[String(target).replace(/^integrations\//, "")];
  const uri = resolve(integration?.Properties.IntegrationUri);
  const name = /:function:([^/:]+)(?:\/invocations)?$/.exec(String(uri))?.[1];
  if (name === undefined || resources[name] === undefined)
    throw new Error(`The route ${route} of the template leads to no function (${String(uri)}).`);
  return name;
}

function variables(environment: unknown): Readonly<Record<string, string>> {
  const given = (environment as { Variables?: Record<string, unknown> } | undefined)?.Variables;
  return Object.fromEntries(
    Object.entries(given ?? {}).map(([name, value]) => [name, String(resolve(value))]),
  );
}

function text(value: unknown, what: string): string {
  const resolved = resolve(value);
  if (typeof resolved !== "string") throw new Error(`The template lacks ${what}.`);
  return resolved;
}

const PSEUDO: Readonly<Record<string, string>> = {
  "AWS::Region": REGION,
  "AWS::AccountId": ACCOUNT,
  "AWS::Partition": "aws",
  "AWS::URLSuffix": "amazonaws.com",
};

/** The value that CloudFormation would put in an intrinsic's place; a resource's name is its logical id. */
function resolve(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const [[intrinsic, argument] = [], ...others] = Object.entries(value);
  if (others.length > 0) return value;
  switch (intrinsic) {
    case "Ref":
      return PSEUDO[String(argument)] ?? argument;
    case "Fn::GetAtt": {
      const [name, attribute] = argument as [string, string];
      // Of functions the ARN's form matters; of anything else only the name at its end.
      return attribute === "Arn" ? `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}` : name;
    }
    case "Fn::Join": {
      const [separator, parts] = argument as [string, unknown[]];
      return parts.map(resolve).join(separator);
    }
    case "Fn::Sub":
      return String(argument).replaceAll(
        /\$\{([^}]+)\}/g,
        (_, name: string) => PSEUDO[name] ?? name,
      );
    default:
      throw new Error(`The template uses ${intrinsic}, which cannot be played here.`);
  }
}
