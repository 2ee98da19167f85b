import { HttpApi, HttpMethod } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";

export interface WebhookEndpointProps {
  readonly receiver: LambdaFunction;
}

/** The public endpoint for webhooks of integrations: one route, whose function verifies each delivery. */
export class WebhookEndpoint extends Construct {
  /** Where deliveries go, without `/webhooks/<projectId>/<integrationId>`. */
  readonly url: string;

  constructor(scope: Construct, id: string, { receiver }: WebhookEndpointProps) {
    super(scope, id);

    const api = new HttpApi(this, "Api", { description: "Webhooks of integrations" });
    api.addRoutes({
      path: "/webhooks/{projectId}/{integrationId}",
      methods: [HttpMethod.POST],
      integration: new HttpLambdaIntegration("Deliveries", receiver),
    });
    this.url = api.apiEndpoint;
  }
}
