import { HttpMethod, PayloadFormatVersion } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { domainNameOf, throttledApi } from "./apis.ts";

/** What a polling endpoint is made of. */
export interface PollingEndpointProps {
  readonly handler: LambdaFunction;
  /** Requests in a second. */
  readonly rate: number;
}

/**
 * The HTTP API behind the edge that clients poll. It has no CORS configuration of its own, with which API
 * Gateway would replace the headers of the function: that answers preflights, too.
 */
export class PollingEndpoint extends Construct {
  /** The one path. The edge function rewrites to it. */
  static readonly PATH = "/polling";
  /** The endpoint's host. */
  readonly domainName: string;

  constructor(scope: Construct, id: string, { handler, rate }: PollingEndpointProps) {
    super(scope, id);

    const api = throttledApi(this, "Long polling of Socket.IO clients", rate);
    api.addRoutes({
      path: PollingEndpoint.PATH,
      methods: [HttpMethod.GET, HttpMethod.POST, HttpMethod.OPTIONS],
      integration: new HttpLambdaIntegration("Requests", handler, {
        payloadFormatVersion: PayloadFormatVersion.VERSION_2_0,
      }),
    });
    this.domainName = domainNameOf(api);
  }
}
