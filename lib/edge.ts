import { readFileSync } from "node:fs";
import { Duration } from "aws-cdk-lib";
import type { ICertificate } from "aws-cdk-lib/aws-certificatemanager";
import {
  AllowedMethods,
  CachePolicy,
  Distribution,
  Function as EdgeFunction,
  FunctionCode,
  FunctionEventType,
  FunctionRuntime,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from "aws-cdk-lib/aws-cloudfront";
import { HttpOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import { CfnWebACL } from "aws-cdk-lib/aws-wafv2";
import { Construct } from "constructs";
import { PollingEndpoint } from "./polling-endpoint.ts";
import { TRANSPORTS, type Transport } from "./transports.ts";
import type { WebSocketGateway } from "./websocket-gateway.ts";

const FUNCTION_FILE = new URL("./edge-function.js", import.meta.url);

/** The origin that the edge function selects for long polling. */
const POLLING_ORIGIN = "polling";

/** What `addEdge` takes. */
export interface EdgeOptions {
  /** A domain name of your own, with its certificate in us-east-1. Default: CloudFront's own name. */
  readonly name?: { readonly domainName: string; readonly certificate: ICertificate } | undefined;
  /** The ARN of a WAF web ACL, or `own` for one that this construct makes: only in us-east-1. Default: none. */
  readonly webAcl?: "own" | (string & {}) | undefined;
}

/** The same, and what is behind the edge. */
export interface EdgeProps extends EdgeOptions {
  readonly gateway: WebSocketGateway;
  /** Where requests of long polling go. Default: they are refused. */
  readonly polling?: PollingEndpoint | undefined;
}

/** Nothing is cached, and the execute-api endpoint answers 403 to any Host but its own. */
const UNCACHED = {
  cachePolicy: CachePolicy.CACHING_DISABLED,
  originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
};
const originAt = (domainName: string, originId?: string) =>
  new HttpOrigin(domainName, {
    protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
    ...(originId !== undefined && { originId }),
  });

/** The line of the edge function that is replaced by the transports of the deployment. */
const TRANSPORTS_LINE = /^const TRANSPORTS = .*;$/m;

/** The code of the edge function for these transports. */
export function edgeCodeFor(transports: readonly Transport[]): string {
  const code = readFileSync(FUNCTION_FILE, "utf8");
  if (!TRANSPORTS_LINE.test(code)) throw new Error("The edge function names no TRANSPORTS.");
  return code.replace(TRANSPORTS_LINE, `const TRANSPORTS = ${JSON.stringify(transports)};`);
}

/** What CloudFront keeps for ten seconds where nobody says otherwise, for all who ask for the same path, whatever their query. */
const CACHED_ERRORS = [404, 414, 500, 501, 502, 503, 504];

/** Requests of one address in five minutes: enough for many tabs behind one router, which may poll, too few for a flood. */
const REQUESTS_OF_AN_ADDRESS = 5000;

/** CloudFront in front of the gateway: there, Socket.IO's default path `/socket.io/` works. */
export class Edge extends Construct {
  /** The distribution's host, e.g. `d111111abcdef8.cloudfront.net`. */
  readonly domainName: string;
  /** The name clients connect to. */
  readonly publicName: string;
  readonly #distribution: Distribution;

  constructor(scope: Construct, id: string, { gateway, polling, name, webAcl }: EdgeProps) {
    super(scope, id);

    const rewrite = new EdgeFunction(this, "ViewerRequest", {
      code: FunctionCode.fromInline(
        edgeCodeFor(polling === undefined ? ["websocket"] : TRANSPORTS),
      ),
      runtime: FunctionRuntime.JS_2_0,
    });
    const behaviour = {
      ...UNCACHED,
      // CloudFront refuses other methods before the function sees them.
      allowedMethods:
        polling === undefined ? AllowedMethods.ALLOW_GET_HEAD : AllowedMethods.ALLOW_ALL,
      viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
      functionAssociations: [{ function: rewrite, eventType: FunctionEventType.VIEWER_REQUEST }],
    };
    this.#distribution = new Distribution(this, "Distribution", {
      comment: "Socket.IO clients connect here",
      // CloudFront's own name has a policy of its own.
      ...(name !== undefined && {
        minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
        domainNames: [name.domainName],
        certificate: name.certificate,
      }),
      ...(webAcl !== undefined && { webAclId: webAcl === "own" ? this.#guard() : webAcl }),
      defaultBehavior: { ...behaviour, origin: originAt(gateway.domainName) },
      // One client's failed poll is nobody else's.
      errorResponses: CACHED_ERRORS.map((httpStatus) => ({ httpStatus, ttl: Duration.seconds(0) })),
    });
    // The function can select only what a behaviour uses; it refuses what comes by this path.
    if (polling !== undefined)
      this.#distribution.addBehavior(
        PollingEndpoint.PATH,
        originAt(polling.domainName, POLLING_ORIGIN),
        behaviour,
      );
    this.domainName = this.#distribution.distributionDomainName;
    this.publicName = name?.domainName ?? this.domainName;
  }

  /** Serves these paths by another API. */
  alsoServe(paths: readonly string[], domainName: string): void {
    const origin = originAt(domainName);
    for (const path of paths)
      this.#distribution.addBehavior(path, origin, {
        ...UNCACHED,
        allowedMethods: AllowedMethods.ALLOW_ALL,
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      });
  }

  /** A web ACL that blocks addresses with too many new connections. */
  #guard(): string {
    const visibility = (metricName: string) => ({
      cloudWatchMetricsEnabled: true,
      sampledRequestsEnabled: false,
      metricName,
    });
    const acl = new CfnWebACL(this, "WebAcl", {
      scope: "CLOUDFRONT",
      defaultAction: { allow: {} },
      visibilityConfig: visibility("SocketIo"),
      rules: [
        {
          name: "RequestsOfAnAddress",
          priority: 0,
          action: { block: {} },
          statement: {
            rateBasedStatement: { limit: REQUESTS_OF_AN_ADDRESS, aggregateKeyType: "IP" },
          },
          visibilityConfig: visibility("RequestsOfAnAddress"),
        },
      ],
    });
    return acl.attrArn;
  }
}
