import { CfnOutput, Stack } from "aws-cdk-lib";
import { Certificate, type ICertificate } from "aws-cdk-lib/aws-certificatemanager";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { CONTRACT_LIMITS } from "../lambdas/mudbase/limits.ts";
import { Heartbeat, Limits, withinBounds } from "../lambdas/server/model/limits.ts";
import { Alarms } from "./alarms.ts";
import type { Settings } from "./config.ts";
import { Dashboard } from "./dashboard.ts";
import { Demo } from "./demo.ts";
import type { Edge } from "./edge.ts";
import { allowIntegrationSecrets } from "./integration-secrets.ts";
import { LambdaFunction } from "./lambda-function.ts";
import { counted } from "./metrics.ts";
import { SocketIoServer, type SocketIoServerProps } from "./socket-io-server.ts";
import { TokenVerification } from "./token-verification.ts";
import { WebhookEndpoint } from "./webhook-endpoint.ts";
import { STAGE_NAME } from "./websocket-gateway.ts";

const FUNCTIONS = "lambdas/mudbase/functions";

/** Where the entry of a function is: those in the folder `watched` serve the Admin UI, or notify it. */
const entry = (name: string, { adminSecretArn }: Settings): string =>
  `${FUNCTIONS}/${adminSecretArn === undefined ? "" : "watched/"}${name}.ts`;

/** The contract as an application of the server, with its tokens, webhooks and integrations. */
export class MudbaseStack extends Stack {
  readonly server: SocketIoServer;
  readonly #tokens: TokenVerification;

  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id, { description: "Serverless Socket.IO" });

    // CDK leaves this id out of logical ids: resources keep theirs, whether or not a construct holds them.
    this.server = new SocketIoServer(this, "Default", serverProps(settings));
    this.#tokens = new TokenVerification(this, "Tokens", settings);
    const { socket, polling } = this.server;
    const connecting = polling === undefined ? [socket] : [socket, polling];
    for (const verifier of connecting) this.#tokens.allowVerifying(verifier);
    const webhook = this.#receiveWebhooks(settings);
    for (const reader of [...connecting, webhook]) allowIntegrationSecrets(this, reader, settings);

    this.#monitor(webhook, settings);
    if (settings.edge) this.#addEdge(settings);
    if (settings.apiDomainName !== undefined) this.#addApiDomain(settings);
    this.#describeServer();
  }

  #receiveWebhooks(settings: Settings): LambdaFunction {
    const receiver = new LambdaFunction(this, "Webhook", {
      entry: entry("webhook", settings),
      operation: this.server.operation,
    });
    this.server.grantSend(receiver, ["GetItem"]);
    const { url } = new WebhookEndpoint(this, "Webhooks", {
      ...{ receiver, rate: settings.webhooksPerSecond },
    });
    this.#output("WebhookUrl", `${url}/webhooks/<projectId>/<integrationId>`);
    return receiver;
  }

  #monitor(webhook: LambdaFunction, { alarmTopicArn, lifecycleEvents }: Settings): void {
    const { server } = this;
    const { service } = server.operation;
    const functions = [webhook];
    if (lifecycleEvents) {
      const { bus, notifier } = server.addLifecycleEvents();
      functions.push(notifier);
      this.#output("LifecycleBusName", bus.eventBusName);
    }
    const webhooksFailed = counted(service, "RequestsFailed", { route: "webhook" });
    const changesFailed = counted(service, "ChangesFailed");

    const topic =
      alarmTopicArn === undefined
        ? undefined
        : Topic.fromTopicArn(this, "AlarmTopic", alarmTopicArn);
    const alarms = new Alarms(this, "Alarms", { server, functions, topic });
    alarms.add("WebhooksFailed", webhooksFailed, "a webhook was answered 500");
    alarms.add("ChangesFailed", changesFailed, "a change of a table was not published");
    const failures = [webhooksFailed, changesFailed];
    new Dashboard(this, "Dashboard", { server, functions, failures });
  }

  #addEdge({ domainName, certificateArn = "", waf, webAclArn, demo }: Settings): void {
    const edge = this.server.addEdge({
      name:
        domainName === undefined
          ? undefined
          : { domainName, certificate: this.#certificate("EdgeCertificate", certificateArn) },
      webAcl: waf ? "own" : webAclArn,
    });
    this.#output("ClientUrl", `https://${edge.publicName}`);
    this.#output(
      "ClientOptions",
      this.server.polling === undefined ? clientOptions() : "{ auth: { token } }",
    );
    this.#output("EdgeDomainName", edge.domainName);
    if (demo) this.#addDemo(edge);
  }

  #addDemo(edge: Edge): void {
    const { domainName } = new Demo(this, "Demo", { server: this.server, tokens: this.#tokens });
    edge.alsoServe(Demo.PATHS, domainName);
    this.#output("DemoUrl", `https://${edge.publicName}/`);
  }

  #addApiDomain({ apiDomainName = "", apiCertificateArn = "" }: Settings): void {
    const certificate = this.#certificate("ApiCertificate", apiCertificateArn);
    const target = this.server.addDomainName(apiDomainName, certificate);
    this.#output("ApiUrl", `wss://${apiDomainName}`);
    this.#output("ApiOptions", clientOptions("/socket.io"));
    this.#output("ApiDomainTarget", target);
  }

  #certificate(id: string, arn: string): ICertificate {
    return Certificate.fromCertificateArn(this, id, arn);
  }

  #describeServer(): void {
    const { endpoint, publish, bus, deadLetters } = this.server;
    this.#output("DirectUrl", endpoint);
    this.#output("DirectOptions", clientOptions(`/${STAGE_NAME}`));
    this.#output("PublishFunctionName", publish.functionName);
    this.#output("PublishBusName", bus.eventBusName);
    this.#output("DeadLettersUrl", deadLetters.queueUrl);
    const { secretArn } = this.#tokens;
    if (secretArn !== undefined) this.#output("TokenSecretArn", secretArn);
  }

  #output(name: string, value: string): void {
    new CfnOutput(this, name, { value });
  }
}

/** The options of `io(url, options)`, with the path if it is not Socket.IO's own. */
const clientOptions = (path?: string): string =>
  `{ ${path === undefined ? "" : `path: "${path}", addTrailingSlash: false, `}transports: ["websocket"], auth: { token } }`;

function serverProps(settings: Settings): SocketIoServerProps {
  const numbers = { ...settings, connectionsPerTenant: settings.connectionsPerOrganisation };
  const { adminSecretArn: secretArn, adminSecretKeyArn: secretKeyArn } = settings;
  return {
    functions: {
      socket: entry("socket", settings),
      polling: entry("polling", settings),
      heartbeat: entry("heartbeat", settings),
      fanOut: entry("fan-out", settings),
      publish: entry("publish", settings),
    },
    // Each takes its own numbers out of all settings.
    limits: Limits.parse(numbers),
    applicationLimits: withinBounds(CONTRACT_LIMITS).parse(numbers),
    heartbeat: Heartbeat.parse(numbers),
    admin:
      secretArn === undefined
        ? undefined
        : { secretArn, secretKeyArn, readonly: settings.adminReadonly },
    allowedOrigins: settings.allowedOrigins,
    // Only the edge leads requests of long polling to their function.
    transports: settings.edge ? settings.transports : ["websocket"],
    lateModules: ["ipaddr.js"],
    memorySize: settings.functionMemory,
    pollingMemorySize: settings.pollingMemory,
    pollingConcurrency: settings.pollingConcurrency,
    socketConcurrency: settings.socketConcurrency,
    heartbeatConcurrency: settings.heartbeatConcurrency,
    requestsPerSecond: settings.requestsPerSecond,
    logRetention: settings.logRetentionDays,
    tracing: settings.tracing,
    deletionProtection: settings.deletionProtection,
    accessLogs: settings.accessLogs,
    gatewayLogRole: settings.gatewayLogRole,
  };
}
