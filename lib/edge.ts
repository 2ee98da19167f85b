import { readFileSync } from "node:fs";
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
  ViewerProtocolPolicy,
} from "aws-cdk-lib/aws-cloudfront";
import { HttpOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import { Construct } from "constructs";
import type { WebSocketGateway } from "./websocket-gateway.ts";

const FUNCTION_FILE = new URL("./edge-function.js", import.meta.url);

/** The public name in front of the gateway: there, Socket.IO's default path `/socket.io/` works. */
export class Edge extends Construct {
  /** The distribution's host, e.g. `d111111abcdef8.cloudfront.net`. */
  readonly domainName: string;

  constructor(scope: Construct, id: string, { gateway }: { readonly gateway: WebSocketGateway }) {
    super(scope, id);

    const rewrite = new EdgeFunction(this, "ViewerRequest", {
      code: FunctionCode.fromInline(readFileSync(FUNCTION_FILE, "utf8")),
      runtime: FunctionRuntime.JS_2_0,
    });
    const distribution = new Distribution(this, "Distribution", {
      comment: "Socket.IO clients connect here",
      defaultBehavior: {
        origin: new HttpOrigin(gateway.domainName, {
          protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
        }),
        allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
        cachePolicy: CachePolicy.CACHING_DISABLED,
        // The execute-api endpoint answers 403 to any Host but its own.
        originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
        functionAssociations: [{ function: rewrite, eventType: FunctionEventType.VIEWER_REQUEST }],
      },
    });
    this.domainName = distribution.distributionDomainName;
  }
}
