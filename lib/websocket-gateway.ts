import { type Duration, Names, RemovalPolicy, Stack } from "aws-cdk-lib";
import { AccessLogFormat, CfnAccount } from "aws-cdk-lib/aws-apigateway";
import {
  ApiMapping,
  DomainName,
  type IAccessLogSettings,
  LogGroupLogDestination,
  WebSocketApi,
  WebSocketStage,
} from "aws-cdk-lib/aws-apigatewayv2";
import { WebSocketLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { ICertificate } from "aws-cdk-lib/aws-certificatemanager";
import type { Metric } from "aws-cdk-lib/aws-cloudwatch";
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { domainNameOf } from "./apis.ts";
import { throttleOf } from "./throttle.ts";

/** What a gateway is made of. */
export interface WebSocketGatewayProps {
  readonly handler: LambdaFunction;
  readonly logRetention: RetentionDays;
  /** Upgrades, and frames, in a second. */
  readonly rate: number;
  /** Whether requests are logged, and whether to set the account's role that this takes. */
  readonly accessLogs: boolean;
  readonly setsLogRole: boolean;
}

/** The one stage; part of every client's URL. The edge function rewrites to it. */
export const STAGE_NAME = "live";

/** What API Gateway counts. */
type GatewayMetric = "ConnectCount" | "MessageCount" | "ExecutionError" | "IntegrationError";

// Never the query string or a header: tokens travel in both.
const LOG_FIELDS = {
  requestId: "$context.requestId",
  requestTime: "$context.requestTime",
  eventType: "$context.eventType",
  routeKey: "$context.routeKey",
  connectionId: "$context.connectionId",
  status: "$context.status",
  error: "$context.error.message",
  integrationError: "$context.integrationErrorMessage",
  integrationLatency: "$context.integrationLatency",
};

/** The endpoint that Socket.IO clients connect to: one WebSocket API whose three routes invoke one function. */
export class WebSocketGateway extends Construct {
  readonly #stage: WebSocketStage;

  constructor(scope: Construct, id: string, props: WebSocketGatewayProps) {
    super(scope, id);
    const { handler, logRetention, rate, accessLogs, setsLogRole } = props;

    const route = { integration: new WebSocketLambdaIntegration("Frames", handler) };
    const webSocketApi = new WebSocketApi(this, "Api", {
      apiName: Names.uniqueResourceName(this, { maxLength: 64 }),
      connectRouteOptions: route,
      defaultRouteOptions: route,
      disconnectRouteOptions: route,
    });
    this.#stage = new WebSocketStage(this, "Stage", {
      webSocketApi,
      stageName: STAGE_NAME,
      autoDeploy: true,
      throttle: throttleOf(rate),
      ...(accessLogs && { accessLogSettings: this.#accessLog(logRetention) }),
    });
    if (setsLogRole) this.#stage.node.addDependency(this.#logAccount());
  }

  /** The endpoint's host. */
  get domainName(): string {
    return domainNameOf(this.#stage.api);
  }

  /** A metric of this stage: messages are those from and to clients, as API Gateway bills them. */
  count(name: GatewayMetric, period: Duration): Metric {
    return this.#stage.metric(name, { statistic: "Sum", period });
  }

  /** Lets a function post to this stage's connections and close them; sets their endpoint in its environment. */
  allowSending(sender: LambdaFunction): void {
    const { apiId } = this.#stage.api;
    const connections = ["POST", "DELETE"].map((method) =>
      Stack.of(this).formatArn({
        service: "execute-api",
        resource: apiId,
        resourceName: `${STAGE_NAME}/${method}/@connections/*`,
      }),
    );
    sender.addToRolePolicy(
      new PolicyStatement({ actions: ["execute-api:ManageConnections"], resources: connections }),
    );
    sender.addEnvironment("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", this.#stage.callbackUrl);
  }

  /** Serves the API at a domain name, below `/socket.io`; returns the host name that its DNS record must point to. */
  addDomainName(name: string, certificate: ICertificate): string {
    const domainName = new DomainName(this, "Name", { domainName: name, certificate });
    const api = this.#stage.api;
    new ApiMapping(this, "Mapping", {
      ...{ api, stage: this.#stage, domainName },
      apiMappingKey: "socket.io",
    });
    return domainName.regionalDomainName;
  }

  #accessLog(retention: RetentionDays): IAccessLogSettings {
    const logs = new LogGroup(this, "AccessLog", {
      retention,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    return {
      destination: new LogGroupLogDestination(logs),
      format: AccessLogFormat.custom(JSON.stringify(LOG_FIELDS)),
    };
  }

  /** API Gateway refuses a stage with access logs if the account has no role for it; other stacks may use it, too. */
  #logAccount(): CfnAccount {
    const role = new Role(this, "LogRole", {
      assumedBy: new ServicePrincipal("apigateway.amazonaws.com"),
      managedPolicies: [
        ManagedPolicy.fromAwsManagedPolicyName("service-role/AmazonAPIGatewayPushToCloudWatchLogs"),
      ],
    });
    const account = new CfnAccount(this, "Account", { cloudWatchRoleArn: role.roleArn });
    role.applyRemovalPolicy(RemovalPolicy.RETAIN);
    account.applyRemovalPolicy(RemovalPolicy.RETAIN);
    return account;
  }
}
