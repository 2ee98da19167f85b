import { CfnOutput, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { ContractLimits } from "../lambdas/mudbase/limits.ts";
import { Heartbeat } from "../lambdas/server/model/limits.ts";
import { Alarms } from "./alarms.ts";
import type { Settings } from "./config.ts";
import { Dashboard } from "./dashboard.ts";
import { Demo } from "./demo.ts";
import { Edge } from "./edge.ts";
import { FanOut } from "./fan-out.ts";
import { HeartbeatSchedule } from "./heartbeat-schedule.ts";
import { allowIntegrationSecrets } from "./integration-secrets.ts";
import { LambdaFunction, type Operation } from "./lambda-function.ts";
import { MINUTE } from "./metrics.ts";
import { PublishBus } from "./publish-bus.ts";
import { SelfInvocation } from "./self-invocation.ts";
import { type ItemAction, StateTable } from "./state-table.ts";
import { TokenVerification } from "./token-verification.ts";
import { WebhookEndpoint } from "./webhook-endpoint.ts";
import { STAGE_NAME, WebSocketGateway } from "./websocket-gateway.ts";

/** The whole server: sockets at API Gateway, protocol in one function, state in one table. */
export class RealtimeStack extends Stack {
  readonly operation: Operation;
  readonly #table: StateTable;
  readonly #gateway: WebSocketGateway;
  readonly #limits: string;
  readonly #fanOut: FanOut;

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id, { description: "Serverless Socket.IO" });

    this.operation = {
      service: this.stackName,
      memorySize: settings.functionMemory,
      logRetention: settings.logRetentionDays,
      tracing: settings.tracing,
    };
    this.#limits = JSON.stringify(limitsOf(settings));
    const heartbeat = JSON.stringify(Heartbeat.parse(settings));
    const socket = new LambdaFunction(this, "Socket", {
      entry: "lambdas/mudbase/functions/socket.ts",
      operation: this.operation,
      concurrency: settings.socketConcurrency,
      lateModules: ["ipaddr.js"],
      environment: {
        HEARTBEAT: heartbeat,
        METRICS_PERIOD: String(MINUTE.toMilliseconds()),
        ALLOWED_ORIGINS: JSON.stringify(settings.allowedOrigins),
      },
    });
    const publisher = new LambdaFunction(this, "Publish", {
      entry: "lambdas/mudbase/functions/publish.ts",
      operation: this.operation,
    });
    const webhook = new LambdaFunction(this, "Webhook", {
      entry: "lambdas/mudbase/functions/webhook.ts",
      operation: this.operation,
    });
    const heart = new LambdaFunction(this, "Heartbeat", {
      entry: "lambdas/mudbase/functions/heartbeat.ts",
      operation: this.operation,
      concurrency: settings.heartbeatConcurrency,
      environment: { HEARTBEAT: heartbeat },
    });
    // A minute later the client has given up.
    new SelfInvocation(this, "Opening", { invoker: socket, retryAttempts: 0 });
    // A minute later a ping still keeps its connection.
    new SelfInvocation(this, "Sweeping", { invoker: heart, retryAttempts: 1 });
    new HeartbeatSchedule(this, "Schedule", { heart });

    this.#table = new StateTable(this, "State", settings);

    this.#table.allowSweeping(heart);
    this.#fanOut = new FanOut(this, "FanOut", { operation: this.operation });

    const tokens = new TokenVerification(this, "Tokens", settings);
    tokens.allowVerifying(socket);

    this.#gateway = new WebSocketGateway(this, "Gateway", {
      handler: socket,
      logRetention: settings.logRetentionDays,
      rate: settings.requestsPerSecond,
      accessLogs: settings.accessLogs,
      setsLogRole: settings.gatewayLogRole,
    });
    this.allowPublishing(socket, ["GetItem", "PutItem"]);
    this.allowPublishing(publisher, ["GetItem", "PutItem"]);
    this.allowPublishing(webhook, ["GetItem"]);
    this.allowPublishing(heart);
    this.#allowReaching(this.#fanOut.carrier);
    for (const reader of [socket, webhook]) allowIntegrationSecrets(this, reader, settings);

    const bus = new PublishBus(this, "Publications", { publisher });
    const webhooks = new WebhookEndpoint(this, "Webhooks", {
      receiver: webhook,
      rate: settings.webhooksPerSecond,
    });

    const functions = [socket, publisher, webhook, heart, this.#fanOut.carrier];
    const { deadLetters } = bus;
    new Alarms(this, "Alarms", {
      ...{ service: this.operation.service, functions, heart, deadLetters },
      gateway: this.#gateway,
      topicArn: settings.alarmTopicArn,
    });
    new Dashboard(this, "Dashboard", {
      ...{ operation: this.operation, gateway: this.#gateway },
      pingInterval: settings.pingInterval,
      ...{ functions, deadLetters, table: this.#table.table },
    });
    if (settings.edge) {
      const edge = this.#openEdge(settings);
      if (settings.demo) this.#showDemo(edge, publisher, tokens);
    }
    if (settings.apiDomainName !== undefined) this.#openApiDomain(settings);

    this.#output("DirectUrl", `wss://${this.#gateway.domainName}`);
    this.#output(
      "DirectOptions",
      `{ path: "/${STAGE_NAME}", addTrailingSlash: false, transports: ["websocket"], auth: { token } }`,
    );
    this.#output("PublishFunctionName", publisher.functionName);
    this.#output("PublishBusName", bus.busName);
    this.#output("DeadLettersUrl", bus.deadLetters.queueUrl);
    this.#output("WebhookUrl", `${webhooks.url}/webhooks/<projectId>/<integrationId>`);
    if (tokens.secretArn !== undefined) this.#output("TokenSecretArn", tokens.secretArn);
  }

  /** Lets a function reach the sockets of this deployment and do what it does besides, and tells it where they are. */
  allowPublishing(publisher: LambdaFunction, also: readonly ItemAction[] = []): void {
    this.#allowReaching(publisher, also);
    this.#fanOut.allowHandingOn(publisher);
  }

  #allowReaching(sender: LambdaFunction, also: readonly ItemAction[] = []): void {
    this.#table.allowUsing(sender, also);
    this.#gateway.allowSending(sender);
    sender.addEnvironment("LIMITS", this.#limits);
  }

  /** CloudFront in front of the API: there, Socket.IO's default path works. */
  #openEdge(settings: Settings): Edge {
    const edge = new Edge(this, "Edge", { gateway: this.#gateway, ...edgeOf(settings) });
    this.#output("ClientUrl", `https://${edge.publicName}`);
    this.#output("ClientOptions", '{ transports: ["websocket"], auth: { token } }');
    this.#output("EdgeDomainName", edge.domainName);
    return edge;
  }

  /** The demo page at the edge: the settings have it nowhere else. */
  #showDemo(edge: Edge, publisher: LambdaFunction, tokens: TokenVerification): void {
    const demo = new Demo(this, "Demo", { operation: this.operation, publisher, tokens });
    edge.alsoServe(Demo.PATHS, demo.domainName);
    this.#output("DemoUrl", `https://${edge.publicName}/`);
  }

  /** A name of one's own at API Gateway itself, with no CloudFront before it. */
  #openApiDomain({ apiDomainName = "", apiCertificateArn = "" }: Settings): void {
    const target = this.#gateway.answerTo(apiDomainName, apiCertificateArn);
    this.#output("ApiUrl", `wss://${apiDomainName}`);
    this.#output(
      "ApiOptions",
      '{ path: "/socket.io", addTrailingSlash: false, transports: ["websocket"], auth: { token } }',
    );
    this.#output("ApiDomainTarget", target);
  }

  #output(name: string, value: string): void {
    new CfnOutput(this, name, { value });
  }
}

const edgeOf = ({ domainName, certificateArn, waf, webAclArn }: Settings) => ({
  name: domainName === undefined ? undefined : { domainName, certificateArn: certificateArn ?? "" },
  webAcl: waf ? ("own" as const) : webAclArn,
});

/** What of the settings limits the functions; a tenant of the server is an organisation here. */
const limitsOf = (settings: Settings): ContractLimits =>
  ContractLimits.parse({ ...settings, connectionsPerTenant: settings.connectionsPerOrganisation });
