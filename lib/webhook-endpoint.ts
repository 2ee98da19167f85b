import { HttpMethod } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { throttledApi } from "./apis.ts";

export interface WebhookEndpointProps {
  readonly receiver: LambdaFunction;
  /** Deliveries in a second. */
  readonly rate: number;
}

/** The public endpoint for webhooks of integrations: one route, whose function verifies each delivery. */
export class WebhookEndpoint extends Construct {
  /** Where deliveries go, without `/webhooks/<projectId>/<integrationId>`. */
  readonly url: string;

  constructor(scope: Construct, id: string, { receiver, rate }: WebhookEndpointProps) {
    super(scope, id);

    const api = throttledApi(this, "Webhooks of integrations", rate);
    api.addRoutes({
      path: "/webhooks/{projectId}/{integrationId}",
      methods: [HttpMethod.POST],
      integration: new HttpLambdaIntegration("Deliveries", receiver),
    });
    this.url = api.apiEndpoint;
  }
}
