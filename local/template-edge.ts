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
  /** Seconds for which the distribution keeps an answer with an error, by its status. */
  readonly errorSeconds: ReadonlyMap<number, number>;
}

/** What CloudFront keeps although nobody says so, and for how many seconds. */
const CACHED_ERRORS = [404, 414, 500, 501, 502, 503, 504];
const CACHED_SECONDS = 10;

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
    CustomErrorResponses: z
      .array(z.object({ ErrorCode: z.number(), ErrorCachingMinTTL: z.optional(z.number()) }))
      .default([]),
  }),
});

/** The edge of the template. */
export function edgeOf(resources: Resources): EdgeDefinition {
  const [edgeFunction] = ofType(resources, "AWS::CloudFront::Function");
  const code = text(edgeFunction?.[1].Properties.FunctionCode, "the code of a CloudFront function");
  const [distribution] = ofType(resources, "AWS::CloudFront::Distribution");
  if (distribution === undefined)
    return { code, origins: new Map(), methods: undefined, paths: [], errorSeconds: new Map() };

  const { DefaultCacheBehavior, CacheBehaviors, Origins, CustomErrorResponses } =
    Distribution.parse(distribution[1].Properties).DistributionConfig;
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
    errorSeconds: new Map([
      ...CACHED_ERRORS.map((status) => [status, CACHED_SECONDS] as const),
      ...CustomErrorResponses.map(
        ({ ErrorCode, ErrorCachingMinTTL = CACHED_SECONDS }) =>
          [ErrorCode, ErrorCachingMinTTL] as const,
      ),
    ]),
  };
}
