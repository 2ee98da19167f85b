import { readFileSync } from "node:fs";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
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
import type { WebSocketGateway } from "./websocket-gateway.ts";

const FUNCTION_FILE = new URL("./edge-function.js", import.meta.url);

export interface EdgeProps {
  readonly gateway: WebSocketGateway;
  /** A domain name of your own, with its certificate in us-east-1. Default: CloudFront's own name. */
  readonly name?: { readonly domainName: string; readonly certificateArn: string } | undefined;
  /** The ARN of a WAF web ACL, or `own` for one that this construct makes: only in us-east-1. Default: none. */
  readonly webAcl?: "own" | (string & {}) | undefined;
}

/** Nothing is cached, and the execute-api endpoint answers 403 to any Host but its own. */
const UNCACHED = {
  cachePolicy: CachePolicy.CACHING_DISABLED,
  originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
};
const originAt = (domainName: string) =>
  new HttpOrigin(domainName, { protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY });

/** Requests of one address in five minutes: enough for many tabs behind one router, too few for a flood. */
const REQUESTS_OF_AN_ADDRESS = 2000;

/** CloudFront in front of the gateway: there, Socket.IO's default path `/socket.io/` works. */
export class Edge extends Construct {
  /** The distribution's host, e.g. `d111111abcdef8.cloudfront.net`. */
  readonly domainName: string;
  /** The name clients connect to. */
  readonly publicName: string;
  readonly #distribution: Distribution;

  constructor(scope: Construct, id: string, { gateway, name, webAcl }: EdgeProps) {
    super(scope, id);

    const rewrite = new EdgeFunction(this, "ViewerRequest", {
      code: FunctionCode.fromInline(readFileSync(FUNCTION_FILE, "utf8")),
      runtime: FunctionRuntime.JS_2_0,
    });
    this.#distribution = new Distribution(this, "Distribution", {
      comment: "Socket.IO clients connect here",
      // CloudFront's own name has a policy of its own.
      ...(name !== undefined && {
        minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
        domainNames: [name.domainName],
        certificate: Certificate.fromCertificateArn(this, "Certificate", name.certificateArn),
      }),
      ...(webAcl !== undefined && { webAclId: webAcl === "own" ? this.#guard() : webAcl }),
      defaultBehavior: {
        ...UNCACHED,
        origin: originAt(gateway.domainName),
        allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
        viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
        functionAssociations: [{ function: rewrite, eventType: FunctionEventType.VIEWER_REQUEST }],
      },
    });
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
