import { Annotations, Names, Stack, Token } from "aws-cdk-lib";
import type { ICertificate } from "aws-cdk-lib/aws-certificatemanager";
import type { Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { Table } from "aws-cdk-lib/aws-dynamodb";
import type { EventBus } from "aws-cdk-lib/aws-events";
import { Grant, type IGrantable } from "aws-cdk-lib/aws-iam";
import { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { Limits } from "../lambdas/server/model/limits.ts";
import type { Metric as ServerMetric } from "../lambdas/server/model/telemetry.ts";
import { allowAdmin } from "./admin-access.ts";
import { Alarms, type AlarmsOptions } from "./alarms.ts";
import { checkApplication } from "./check-application.ts";
import { checkOptions, checkProps } from "./check-props.ts";
import { Dashboard, type DashboardOptions } from "./dashboard.ts";
import { DEFAULTS } from "./defaults.ts";
import { Edge, type EdgeOptions } from "./edge.ts";
import type { FanOut } from "./fan-out.ts";
import { lambdaEndpointOf, type Operation } from "./lambda-function.ts";
import { LifecycleEvents } from "./lifecycle-events.ts";
import { counted } from "./metrics.ts";
import { numbersOf, RegularHeartbeat } from "./numbers.ts";
import { PollingEndpoint } from "./polling-endpoint.ts";
import { PublishBus } from "./publish-bus.ts";
import { serverFunctions } from "./server-functions.ts";
import type { AdminProps, SocketIoServerProps } from "./server-props.ts";
import { misplacedWebAcl, US_EAST_1 } from "./setting-kinds.ts";
import { type ItemAction, StateTable } from "./state-table.ts";
import { WebSocketGateway } from "./websocket-gateway.ts";

export type { SocketIoServerProps };

/**
 * A Socket.IO server for one application: a WebSocket API, its functions, a table for all state, and
 * a bus that other back ends publish through. A stack may have several.
 *
 *     new SocketIoServer(stack, "Chat", { app: "chat/app.ts", limits: { roomsPerSocket: 50 } });
 */
export class SocketIoServer extends Construct {
  /**
   * The API's own URL, e.g. `wss://abc123.execute-api.eu-west-1.amazonaws.com`: clients connect with
   * `{ path: "/live", addTrailingSlash: false, transports: ["websocket"] }`.
   */
  readonly endpoint: string;
  /** The WebSocket API. */
  readonly gateway: WebSocketGateway;
  /** All state. */
  readonly table: Table;
  /** Its entries go to the publish function; those that failed, to `deadLetters`. */
  readonly bus: EventBus;
  readonly deadLetters: Queue;
  /** Serves `$connect`, `$default` and `$disconnect`. */
  readonly socket: LambdaFunction;
  /** Serves long polling, which reaches it through an edge alone; none where `transports` lack it. */
  readonly polling: LambdaFunction | undefined;
  /** Pings and sweeps, every minute. */
  readonly heartbeat: LambdaFunction;
  /** Posts to parts of large rooms. */
  readonly fanOut: LambdaFunction;
  /** Takes what other back ends publish: through the bus, or as their invocation. */
  readonly publish: LambdaFunction;
  /** Milliseconds between two pings of a connection. */
  readonly pingInterval: number;
  /** How the functions run; for other functions of the same deployment. */
  readonly operation: Operation;
  readonly #limits: string;
  /** Requests in a second of each API. */
  readonly #rate: number;
  readonly #state: StateTable;
  readonly #fanOut: FanOut;

  constructor(scope: Construct, id: string, props: SocketIoServerProps) {
    super(scope, id);
    const { path } = this.node;
    checkProps(props, path);
    if ("app" in props && Stack.of(this).bundlingRequired) {
      const warning = checkApplication(props.app, props);
      if (warning !== undefined)
        Annotations.of(this).addWarningV2("serverless-socket-io:application", warning);
    }
    const limits = numbersOf(Limits, props.limits, `${path}: limits`);
    const heartbeat = numbersOf(RegularHeartbeat, props.heartbeat, `${path}: heartbeat`);
    this.#limits = JSON.stringify({ ...props.applicationLimits, ...limits });
    this.pingInterval = heartbeat.pingInterval;
    this.operation = {
      service: Names.uniqueResourceName(this, { separator: "-", allowedSpecialCharacters: "-" }),
      memorySize: props.memorySize ?? DEFAULTS.memorySize,
      logRetention: props.logRetention ?? DEFAULTS.logRetention,
      tracing: props.tracing ?? DEFAULTS.tracing,
    };

    const { heartbeatConcurrency = limits.shards } = props;
    if (heartbeatConcurrency < limits.shards)
      throw new Error(
        `${path}: heartbeatConcurrency must not be less than shards (${limits.shards}).`,
      );
    const polls = (props.transports ?? DEFAULTS.transports).includes("polling");
    const functions = serverFunctions(this, props, this.operation, heartbeat, polls);
    this.socket = functions.socket;
    this.polling = functions.polling;
    this.heartbeat = functions.heartbeat;
    this.publish = functions.publish;
    this.#fanOut = functions.fanOut;
    this.fanOut = functions.fanOut.worker;
    this.#state = new StateTable(this, "State", {
      deletionProtection: props.deletionProtection ?? DEFAULTS.deletionProtection,
    });
    this.table = this.#state.table;
    this.#rate = props.requestsPerSecond ?? DEFAULTS.requestsPerSecond;
    this.gateway = new WebSocketGateway(this, "Gateway", {
      handler: this.socket,
      logRetention: this.operation.logRetention,
      rate: this.#rate,
      accessLogs: props.accessLogs ?? DEFAULTS.accessLogs,
      setsLogRole: props.gatewayLogRole ?? DEFAULTS.gatewayLogRole,
    });
    this.endpoint = `wss://${this.gateway.domainName}`;

    this.#state.allowSweeping(this.heartbeat);
    this.grantSend(this.socket, ["GetItem", "PutItem"]);
    if (this.polling !== undefined) this.grantSend(this.polling, ["GetItem", "PutItem"]);
    this.grantSend(this.publish, ["GetItem", "PutItem"]);
    // Its hooks, and parts of large rooms, may move sockets.
    this.grantSend(this.heartbeat, ["GetItem", "PutItem"]);
    // It divides what is left by invoking itself.
    this.#grantPost(this.fanOut, ["GetItem", "PutItem"]);
    if (props.admin !== undefined) this.#serveAdmin(props.admin);
    const { bus, deadLetters } = new PublishBus(this, "Publications", { publisher: this.publish });
    this.bus = bus;
    this.deadLetters = deadLetters;
  }

  /** All functions, for metrics. */
  get functions(): readonly LambdaFunction[] {
    const { socket, publish, heartbeat, fanOut, polling } = this;
    return [socket, publish, heartbeat, fanOut, ...(polling === undefined ? [] : [polling])];
  }

  /**
   * Lets a back end publish: put entries on the bus, and invoke the publish function. A Lambda function also
   * gets their names, in its environment variables `PUBLISH_BUS` and `PUBLISH_FUNCTION`.
   */
  grantPublish(grantee: IGrantable): Grant {
    if (grantee instanceof LambdaFunction) {
      grantee.addEnvironment("PUBLISH_BUS", this.bus.eventBusName);
      grantee.addEnvironment("PUBLISH_FUNCTION", this.publish.functionName);
    }
    return this.bus.grantPutEventsTo(grantee).combine(this.grantInvoke(grantee));
  }

  /** Lets a back end invoke the publish function, which answers when the entry is delivered. */
  grantInvoke(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ["lambda:InvokeFunction"],
      resourceArns: [this.publish.functionArn],
    });
  }

  /**
   * Lets a function of the application send to sockets itself: gives it the rights and the environment
   * that the server's own functions have, and `also` these actions on the table's items.
   */
  grantSend(sender: LambdaFunction, also: readonly ItemAction[] = []): void {
    checkOptions("grantSend", { sender, also }, this.node.path);
    this.#grantPost(sender, also);
    this.#fanOut.allowInvoking(sender);
    sender.addEnvironment("AWS_ENDPOINT_URL_LAMBDA", lambdaEndpointOf(this));
  }

  /** CloudFront in front of the API: with it, Socket.IO's default path works, and long polling. */
  addEdge(props: EdgeOptions = {}): Edge {
    checkOptions("addEdge", props, this.node.path);
    const { region } = Stack.of(this);
    if (props.webAcl === "own" && !Token.isUnresolved(region) && region !== US_EAST_1)
      throw new Error(
        `${this.node.path}: addEdge: webAcl "own" ${misplacedWebAcl(region, "its ARN")}.`,
      );
    const handler = this.polling;
    const polling =
      handler && new PollingEndpoint(this, "PollingEndpoint", { handler, rate: this.#rate });
    return new Edge(this, "Edge", { gateway: this.gateway, polling, ...props });
  }

  /**
   * Serves the API at a domain name of your own, below `/socket.io` and without CloudFront, so for WebSocket
   * alone. The certificate is in the stack's region; returns the host name that the DNS record must point to.
   */
  addDomainName(domainName: string, certificate: ICertificate): string {
    checkOptions("addDomainName", { domainName, certificate }, this.node.path);
    return this.gateway.addDomainName(domainName, certificate);
  }

  /**
   * What the functions count, by the minute, e.g. `metric("Events", { outcome: "internal" })`. The names and
   * their meanings, and the dimensions `event`, `outcome` and `route`: docs/operations.md of this project.
   */
  metric(name: ServerMetric, dimensions: Readonly<Record<string, string>> = {}): Metric {
    checkOptions("metric", { name, dimensions }, this.node.path);
    return counted(this.operation.service, name, dimensions);
  }

  /** Alarms for what somebody must look at; docs/operations.md says what to do about each. `add` adds others. */
  addAlarms(props: AlarmsOptions = {}): Alarms {
    checkOptions("addAlarms", props, this.node.path);
    return new Alarms(this, "Alarms", { server: this, ...props });
  }

  /** A CloudWatch dashboard: connections, events, fan-out, failures, the database, and what it costs. */
  addDashboard(props: DashboardOptions = {}): Dashboard {
    checkOptions("addDashboard", props, this.node.path);
    return new Dashboard(this, "Dashboard", { server: this, ...props });
  }

  /**
   * A bus on which other systems are notified when sockets connect, come back and disconnect, and when rooms are occupied
   * and vacated. Gives the table a stream.
   */
  addLifecycleEvents(): LifecycleEvents {
    const { table } = this.#state;
    return new LifecycleEvents(this, "LifecycleEvents", { table, operation: this.operation });
  }

  #serveAdmin(admin: AdminProps): void {
    for (const server of [this.socket, ...(this.polling === undefined ? [] : [this.polling])]) {
      allowAdmin(server, admin);
      // It lists sockets by their shards.
      this.#state.allowSweeping(server);
    }
  }

  #grantPost(sender: LambdaFunction, also: readonly ItemAction[] = []): void {
    this.#state.allowUsing(sender, also);
    this.gateway.allowSending(sender);
    sender.addEnvironment("LIMITS", this.#limits);
  }
}
