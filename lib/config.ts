import * as z from "zod";
import { wordingOf } from "../lambdas/server/model/wording.ts";
import { nearest } from "./nearest.ts";
import { misplacedWebAcl, US_EAST_1 } from "./setting-kinds.ts";
import { SETTINGS } from "./settings.ts";

/** Settings that mean nothing without another one. */
const NEEDS = [
  ["domainName", "certificateArn"],
  ["certificateArn", "domainName"],
  ["apiDomainName", "apiCertificateArn"],
  ["apiCertificateArn", "apiDomainName"],
  ["tokenSecretKeyArn", "tokenSecretArn"],
  ["adminSecretKeyArn", "adminSecretArn"],
  ["gatewayLogRole", "accessLogs"],
  ["pollingConcurrency", "edge"],
  ["domainName", "edge"],
  ["waf", "edge"],
  ["webAclArn", "edge"],
  ["demo", "edge"],
] as const;

/** Settings that exclude each other; the demo page signs its tokens with a secret. */
const APART = [
  ["tokenJwksUrl", "tokenSecretArn"],
  ["webAclArn", "waf"],
  ["demo", "tokenJwksUrl"],
] as const;

/** What AWS only finds in the region of the stack. */
const IN_REGION = [
  "tokenSecretArn",
  "tokenSecretKeyArn",
  "adminSecretArn",
  "adminSecretKeyArn",
  "integrationSecretKeyArn",
  "alarmTopicArn",
  "apiCertificateArn",
] as const;

/** The settings of a deployment, given as CDK context: `cdk deploy -c pingInterval=120000`. */
export const Settings = z
  .strictObject({
    ...SETTINGS.deployment,
    ...SETTINGS.authentication,
    ...SETTINGS.connections,
    ...SETTINGS.socketLimits,
    ...SETTINGS.userRates,
    ...SETTINGS.throttles,
    ...SETTINGS.messagesAndIntegrations,
    ...SETTINGS.addresses,
    ...SETTINGS.logsAndAlarms,
  })
  .superRefine((settings, context) => {
    const refuse = (name: keyof typeof settings, message: string) =>
      context.addIssue({ code: "custom", path: [name], message });
    const isSet = (name: keyof typeof settings) =>
      settings[name] !== undefined && settings[name] !== false;

    for (const [name, other] of NEEDS)
      if (isSet(name) && !isSet(other)) refuse(name, `needs ${other}`);
    if (!settings.adminReadonly && !isSet("adminSecretArn"))
      refuse("adminReadonly", "needs adminSecretArn");
    for (const [name, other] of APART)
      if (isSet(name) && isSet(other)) refuse(name, `must not be set together with ${other}`);
    if (settings.domainName !== undefined && settings.domainName === settings.apiDomainName)
      refuse("apiDomainName", "must be another name than domainName");
    if (settings.pollingConcurrency !== undefined && !settings.transports.includes("polling"))
      refuse("pollingConcurrency", "needs polling among transports");
    if ((settings.heartbeatConcurrency ?? Number.POSITIVE_INFINITY) < settings.shards)
      refuse("heartbeatConcurrency", `must not be less than shards (${settings.shards})`);
  });
export type Settings = z.infer<typeof Settings>;

/** What is wrong with a setting. */
interface Fault {
  readonly name: string;
  readonly message: string;
}

/**
 * Reads the settings from all of CDK's context; throws one sentence that names each wrong setting
 * and its value. The names of what CDK keeps there itself hold a `:` or a `/`. `region` is the stack's,
 * if it is known.
 */
export function readSettings(
  context: Readonly<Record<string, unknown>>,
  region?: string,
): Settings {
  const given = Object.entries(context).filter(([name]) => !/[:/]/.test(name));
  const result = Settings.safeParse(Object.fromEntries(given), { error: wordingOf });
  const wrong = result.success
    ? misplaced(result.data, region).map(sentence)
    : result.error.issues.flatMap(sentencesOf);
  if (result.success && wrong.length === 0) return result.data;
  throw new Error(wrong.join("; ").replace(/[^?]$/, "$&."));

  function sentencesOf(issue: z.core.$ZodIssue): readonly string[] {
    if (issue.code === "unrecognized_keys") return issue.keys.map(unknownSetting);
    return [sentence({ name: String(issue.path[0]), message: issue.message })];
  }

  function sentence({ name, message }: Fault): string {
    return `the setting ${name} (${JSON.stringify(context[name])}) is wrong: ${message}`;
  }
}

function unknownSetting(name: string): string {
  const meant = nearest(name, Object.keys(Settings.shape));
  const hint = meant === undefined ? "docs/settings.md lists all" : `did you mean ${meant}?`;
  return `there is no setting ${name}; ${hint}`;
}

/** What lies in another region than the stack's; one that makes a web ACL for CloudFront is in us-east-1. */
function misplaced(settings: Settings, region?: string): readonly Fault[] {
  const home = region ?? (settings.waf ? US_EAST_1 : undefined);
  if (home === undefined) return [];
  const elsewhere = IN_REGION.filter(
    (name) => ![undefined, home].includes(settings[name]?.split(":")[3]),
  );
  const faults = elsewhere.map((name) => ({
    name,
    message: `must be in ${home}, as the stack is`,
  }));
  if (!settings.waf || home === US_EAST_1) return faults;
  return [{ name: "waf", message: misplacedWebAcl(home, "webAclArn") }, ...faults];
}
