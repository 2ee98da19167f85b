import * as z from "zod";
import { ofType, type Resources, resolve } from "./template-values.ts";

const Behaviour = z.object({ TargetOriginId: z.string() });
const Distribution = z.object({
  DistributionConfig: z.object({
    DefaultCacheBehavior: Behaviour,
    CacheBehaviors: z.array(Behaviour).default([]),
    Origins: z.array(z.object({ Id: z.string(), DomainName: z.unknown() })),
  }),
});

/** The API behind each origin that a behaviour of the distribution uses: only these can be selected. */
export function edgeOriginsOf(resources: Resources): ReadonlyMap<string, string> {
  const configs = ofType(resources, "AWS::CloudFront::Distribution").map(
    ([, { Properties }]) => Distribution.parse(Properties).DistributionConfig,
  );
  return new Map(
    configs.flatMap(({ DefaultCacheBehavior, CacheBehaviors, Origins }) => {
      const used = [DefaultCacheBehavior, ...CacheBehaviors].map((one) => one.TargetOriginId);
      return Origins.filter(({ Id }) => used.includes(Id)).map(
        ({ Id, DomainName }) => [Id, String(resolve(DomainName)).split(".")[0] ?? ""] as const,
      );
    }),
  );
}
