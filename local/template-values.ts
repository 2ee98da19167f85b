import * as z from "zod";

/** The region and the account of the local stack. */
export const REGION = "us-east-1";
export const ACCOUNT = "000000000000";

export const Resource = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  Metadata: z.record(z.string(), z.unknown()).default({}),
});
export type Resources = Readonly<Record<string, z.infer<typeof Resource>>>;

/** The resources of a type, by their logical ids. */
export const ofType = (resources: Resources, type: string) =>
  Object.entries(resources).filter(([, resource]) => resource.Type === type);

/** The text of a property, resolved; throws if it is missing. */
export function text(value: unknown, what: string): string {
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

/** The value of an intrinsic function; the name of a resource is its logical id. */
export function resolve(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const [[intrinsic, argument] = [], ...others] = Object.entries(value);
  if (others.length > 0) return value;
  switch (intrinsic) {
    case "Ref":
      return PSEUDO[String(argument)] ?? argument;
    case "Fn::GetAtt": {
      const [name, attribute] = argument as [string, string];
      // The form of the ARN matters for functions; for other resources only the name does.
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
      throw new Error(`The template uses ${intrinsic}, which is not supported locally.`);
  }
}

/** The ARN that an intrinsic function in a policy evaluates to. */
export function arnIn(value: unknown, resources: Resources): string {
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
  if (kind === undefined) return String(resolve(value));
  return attribute?.[1] === "StreamArn" ? streamArnOf(name) : `arn:aws:${kind}${name}`;
}

/** The ARN of a table's stream. */
export const streamArnOf = (tableName: string): string =>
  `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${tableName}/stream/local`;

/** The middle of an ARN, by the type of resource that has one here. */
const ARN_KINDS: Readonly<Record<string, string>> = {
  "AWS::Events::EventBus": `events:${REGION}:${ACCOUNT}:event-bus/`,
  "AWS::DynamoDB::Table": `dynamodb:${REGION}:${ACCOUNT}:table/`,
  "AWS::DynamoDB::GlobalTable": `dynamodb:${REGION}:${ACCOUNT}:table/`,
  "AWS::SecretsManager::Secret": `secretsmanager:${REGION}:${ACCOUNT}:secret:`,
  "AWS::SQS::Queue": `sqs:${REGION}:${ACCOUNT}:`,
  "AWS::Logs::LogGroup": `logs:${REGION}:${ACCOUNT}:log-group:`,
};
