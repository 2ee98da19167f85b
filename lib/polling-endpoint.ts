import { Stack } from "aws-cdk-lib";
import { HttpApi, HttpMethod, HttpStage, PayloadFormatVersion } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { throttleOf } from "./throttle.ts";

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
  /** The endpoint's host, e.g. `abc123.execute-api.eu-west-1.amazonaws.com`. */
  readonly domainName: string;

  constructor(scope: Construct, id: string, { handler, rate }: PollingEndpointProps) {
    super(scope, id);

    const api = new HttpApi(this, "Api", {
      description: "Long polling of Socket.IO clients",
      createDefaultStage: false,
    });
    // The CDK's own default stage takes no throttle.
    new HttpStage(api, "DefaultStage", {
      ...{ httpApi: api, autoDeploy: true, throttle: throttleOf(rate) },
    });
    api.addRoutes({
      path: PollingEndpoint.PATH,
      methods: [HttpMethod.GET, HttpMethod.POST, HttpMethod.OPTIONS],
      integration: new HttpLambdaIntegration("Requests", handler, {
        payloadFormatVersion: PayloadFormatVersion.VERSION_2_0,
      }),
    });
    const { region, urlSuffix } = Stack.of(this);
    this.domainName = `${api.apiId}.execute-api.${region}.${urlSuffix}`;
  }
}
