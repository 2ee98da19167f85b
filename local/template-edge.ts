import * as z from "zod";
import { ofType, type Resources, resolve, text } from "./template-values.ts";

/** What stands in front of the APIs: a CloudFront function and the distribution that runs it. */
export interface EdgeDefinition {
  /** The code of the function. */
  readonly code: string;
  /** The API behind each origin that a behaviour of the distribution uses: only these can be selected. */
  readonly origins: ReadonlyMap<string, string>;
  /** The methods that the distribution lets through to the function; all without a distribution. */
  readonly methods: readonly string[] | undefined;
  /** Paths besides the default whose requests run through the function. */
  readonly paths: readonly string[];
}

const Behaviour = z.object({
  TargetOriginId: z.string(),
  PathPattern: z.optional(z.string()),
  AllowedMethods: z.optional(z.array(z.string())),
  FunctionAssociations: z.array(z.unknown()).default([]),
});
const Distribution = z.object({
  DistributionConfig: z.object({
    DefaultCacheBehavior: Behaviour,
    CacheBehaviors: z.array(Behaviour).default([]),
    Origins: z.array(z.object({ Id: z.string(), DomainName: z.unknown() })),
  }),
});

/** The edge of the template. */
export function edgeOf(resources: Resources): EdgeDefinition {
  const [edgeFunction] = ofType(resources, "AWS::CloudFront::Function");
  const code = text(edgeFunction?.[1].Properties.FunctionCode, "the code of a CloudFront function");
  const [distribution] = ofType(resources, "AWS::CloudFront::Distribution");
  if (distribution === undefined)
    return { code, origins: new Map(), methods: undefined, paths: [] };

  const { DefaultCacheBehavior, CacheBehaviors, Origins } = Distribution.parse(
    distribution[1].Properties,
  ).DistributionConfig;
  const used = [DefaultCacheBehavior, ...CacheBehaviors].map((one) => one.TargetOriginId);
  return {
    code,
    origins: new Map(
      Origins.filter(({ Id }) => used.includes(Id)).map(
        ({ Id, DomainName }) => [Id, String(resolve(DomainName)).split(".")[0] ?? ""] as const,
      ),
    ),
    methods: DefaultCacheBehavior.AllowedMethods,
    paths: CacheBehaviors.flatMap(({ PathPattern = "", FunctionAssociations }) =>
      FunctionAssociations.length > 0 ? [PathPattern] : [],
    ),
  };
}
