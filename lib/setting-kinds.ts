import * as z from "zod";
import { areTransports, TRANSPORTS, TRANSPORTS_RULE } from "./transports.ts";

/** A whole number; as text in digits alone, because `Number` also takes " 5 ", "1e3" and "". */
export function whole(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.preprocess(
    (given) => (typeof given === "string" && /^\d+$/.test(given) ? Number(given) : given),
    z.int({ error }).min(min, { error, abort: true }).max(max, { error, abort: true }),
  );
}

/** Whether some milliseconds are whole minutes, because the sweep runs once a minute. */
export const isWholeMinutes = (milliseconds: number): boolean => milliseconds % 60_000 === 0;

export const WHOLE_MINUTES = "must be whole minutes, in milliseconds: 60000, 120000 and so on";

/** On or off. */
export const flag = z.union([z.stringbool({ truthy: ["true"], falsy: ["false"] }), z.boolean()], {
  error: "must be true or false",
});

/** Text that means something: neither empty nor with spaces around it. */
export const text = z
  .string()
  .regex(/^\S(.*\S)?$/, "must not be empty, or begin or end with a space");

export const hostName = z
  .string()
  .regex(
    /^(?=.{4,253}$)([a-z\d]([a-z\d-]{0,61}[a-z\d])?\.)+([a-z]{2,63}|xn--[a-z\d-]+)$/i,
    "must be a host name like realtime.example.org",
  );

/** An address that functions fetch from: `fetch` refuses one with a user or a password in it. */
export const httpsUrl = z.string().refine((given) => {
  if (!URL.canParse(given)) return false;
  const { protocol, username, password } = new URL(given);
  return protocol === "https:" && username === "" && password === "";
}, "must be an https URL like https://id.example.org/jwks.json");

/** An origin exactly as a browser sends it, because it is compared as text. */
const origin = z
  .string()
  .refine(
    (given) =>
      /^https?:\/\/[\w.:[\]-]+$/.test(given) &&
      URL.canParse(given) &&
      new URL(given).origin === given,
    "must be origins like https://app.example.org: in lower case, without a path, * or a default port",
  );

/** All environment variables of a function may have 4 KB. */
const MAX_ORIGINS = 50;
const MAX_ORIGINS_LENGTH = 2000;

/** Origins as a list. */
export const originList = z
  .array(origin)
  .max(MAX_ORIGINS)
  .refine(
    (given) => JSON.stringify(given).length <= MAX_ORIGINS_LENGTH,
    `must be at most ${MAX_ORIGINS_LENGTH} characters together, as Lambda keeps them`,
  );

/** Origins, as a list or separated by commas. */
export const origins = z
  .union([z.string().transform(separated), z.array(z.string())], {
    error: "must be origins, separated by commas",
  })
  .pipe(originList);

/** Transports, as a list or separated by commas. */
export const transports = z
  .union([z.string().transform(separated), z.array(z.string())], { error: TRANSPORTS_RULE })
  .pipe(
    z
      .array(z.string())
      .refine(areTransports, TRANSPORTS_RULE)
      .transform((given) => TRANSPORTS.filter((name) => given.includes(name))),
  );

function separated(list: string): readonly string[] {
  return list.split(",").map((one) => one.trim());
}

export const US_EAST_1 = "us-east-1";

/** What is said of a web ACL for CloudFront that a stack of another region is to make. */
export const misplacedWebAcl = (region: string, instead: string): string =>
  `is for stacks in ${US_EAST_1}, and this one is in ${region}: make a web ACL there and give ${instead}`;

/** An ARN by its parts; `example` is how one ends. */
function arn(service: string, resource: string, example: string, what: string, region?: string) {
  const pattern = `^arn:aws[a-z-]*:${service}:${region ?? "[a-z\\d-]+"}:\\d{12}:${resource}$`;
  const like = `arn:aws:${service}:${region ?? "eu-west-1"}:123456789012:${example}`;
  const error = `must be the ARN of ${what}, like ${like}`;
  return z.string().regex(new RegExp(pattern), { error, abort: true });
}

/** IAM compares with the whole ARN. A name that ends in `-secret` looks whole and hardly ever is. */
export const secretArn = arn(
  "secretsmanager",
  "secret:[\\w/+=.@!-]+-(?!secret$)[A-Za-z\\d]{6}",
  "secret:name-AbCdEf",
  "a secret with the six characters that Secrets Manager puts after its name",
);

/** An alias will not do: IAM compares with the key's own ARN. */
export const keyArn = arn(
  "kms",
  "key/[a-z\\d-]+",
  "key/1234abcd-12ab-34cd-56ef-1234567890ab",
  "a KMS key",
);

export const topicArn = arn("sns", "[\\w-]{1,256}(\\.fifo)?", "on-duty", "an SNS topic");

const certificate = ["acm", "certificate/[\\w-]+", "certificate/1234abcd-12ab"] as const;

export const certificateArn = arn(...certificate, "an ACM certificate");

/** CloudFront takes certificates and web ACLs of this region alone. */
export const edgeCertificateArn = arn(
  ...certificate,
  `an ACM certificate in ${US_EAST_1}`,
  US_EAST_1,
);

export const edgeWebAclArn = arn(
  "wafv2",
  "global/webacl/[\\w-]+/[\\w-]+",
  "global/webacl/name/1234abcd",
  `a WAF web ACL for CloudFront, in ${US_EAST_1}`,
  US_EAST_1,
);
