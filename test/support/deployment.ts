import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { type LocalStack, type StackOptions, startStack } from "../../local/stack.ts";

/** A local stack whose only function is the code of the test. */
export interface Deployment {
  readonly stack: LocalStack;
  /** The lines that the function has logged. */
  readonly logged: readonly string[];
  stop(): Promise<void>;
}

/** Code of a function that posts "hello" to the connection of an event. */
export const POSTING = `
  const post = (event) => fetch(
    process.env.AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI + "/@connections/" +
      encodeURIComponent(event.requestContext.connectionId),
    { method: "POST", body: "hello", headers: {
      authorization: "AWS4-HMAC-SHA256 Credential=" + process.env.AWS_ACCESS_KEY_ID + "/x" } });`;

/** An HTTP API with routes to the function. */
export const httpApi = (...routeKeys: readonly string[]) => ({
  Http: { Type: "AWS::ApiGatewayV2::Api", Properties: { ProtocolType: "HTTP" } },
  HttpIntegration: template().Resources.Integration,
  ...Object.fromEntries(
    routeKeys.map((RouteKey, index) => [
      `HttpRoute${index}`,
      {
        Type: "AWS::ApiGatewayV2::Route",
        Properties: {
          ApiId: { Ref: "Http" },
          RouteKey,
          Target: { "Fn::Join": ["/", ["integrations", { Ref: "HttpIntegration" }]] },
        },
      },
    ]),
  ),
});

/** The template of a WebSocket API with three routes to one function. */
export const template = (resources: object = {}) => ({
  Resources: {
    Function: {
      Type: "AWS::Lambda::Function",
      Properties: {
        Handler: "index.handler",
        Timeout: 1,
        Environment: { Variables: { GREETING: "hello" } },
      },
      Metadata: { "aws:asset:path": "code" },
    },
    Api: {
      Type: "AWS::ApiGatewayV2::Api",
      Properties: {
        ProtocolType: "WEBSOCKET",
        RouteSelectionExpression: "$request.body.action",
      },
    },
    Stage: {
      Type: "AWS::ApiGatewayV2::Stage",
      Properties: { ApiId: { Ref: "Api" }, StageName: "live" },
    },
    Integration: {
      Type: "AWS::ApiGatewayV2::Integration",
      Properties: {
        IntegrationUri: {
          "Fn::Sub":
            "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:0:function:Function/invocations",
        },
      },
    },
    Connect: route("$connect"),
    Default: route("$default"),
    Disconnect: route("$disconnect"),
    Edge: {
      Type: "AWS::CloudFront::Function",
      Properties: { FunctionCode: "function handler(event) { return event.request; }" },
    },
    ...resources,
  },
});

const route = (RouteKey: string) => ({
  Type: "AWS::ApiGatewayV2::Route",
  Properties: {
    ApiId: { Ref: "Api" },
    RouteKey,
    Target: { "Fn::Join": ["/", ["integrations", { Ref: "Integration" }]] },
  },
});

/** Writes a cloud assembly with this template, and this code as the function's bundle. */
export function assemblyWith(content: unknown, code = ""): string {
  const assembly = mkdtempSync(join(tmpdir(), "deployment-"));
  mkdirSync(join(assembly, "code"));
  const manifest = {
    artifacts: {
      Stack: { type: "aws:cloudformation:stack", properties: { templateFile: "template.json" } },
    },
  };
  writeFileSync(join(assembly, "manifest.json"), JSON.stringify(manifest));
  writeFileSync(
    join(assembly, "template.json"),
    typeof content === "string" ? content : JSON.stringify(content),
  );
  writeFileSync(join(assembly, "code/index.mjs"), code);
  return assembly;
}

/** Starts a stack with a function of this code. */
export async function deploy(
  code: string,
  options: Partial<StackOptions> & { readonly resources?: object } = {},
): Promise<Deployment> {
  const assembly = assemblyWith(template(options.resources), code);
  const logged: string[] = [];
  const stack = await startStack({
    assembly,
    port: 0,
    secret: "a secret",
    log: (_, text) => void logged.push(text.trim()),
    ...options,
  });
  return {
    stack,
    logged,
    async stop() {
      await stack.stop();
      rmSync(assembly, { recursive: true });
    },
  };
}

/** Returns a `deploy` whose stacks are stopped after each test. */
export function deployPerTest(): typeof deploy {
  const running: Deployment[] = [];
  afterEach(async () => {
    for (const deployment of running.splice(0)) await deployment.stop();
  });
  return async (...parts) => {
    const deployment = await deploy(...parts);
    running.push(deployment);
    return deployment;
  };
}
