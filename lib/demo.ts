import { copyFileSync } from "node:fs";
import { HttpApi, HttpMethod } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { Construct } from "constructs";
import { buildSync } from "esbuild";
import { domainNameOf } from "./apis.ts";
import { LambdaFunction } from "./lambda-function.ts";
import type { SocketIoServer } from "./socket-io-server.ts";
import type { TokenVerification } from "./token-verification.ts";

export interface DemoProps {
  readonly server: SocketIoServer;
  /** By a secret, which signs the tokens of the page's users. */
  readonly tokens: TokenVerification;
}

const FOLDER = "client/demo";

/** Requests a second that strangers may make, and how many at once. */
const THROTTLE = { rateLimit: 20, burstLimit: 40 };

/** The demo page: an application of its own, in an organisation of its own, whose users need no password. */
export class Demo extends Construct {
  /** The paths it serves, for CloudFront. */
  static readonly PATHS: readonly string[] = ["/", "/demo/*"];
  /** The host that serves them. */
  readonly domainName: string;

  constructor(scope: Construct, id: string, { server, tokens }: DemoProps) {
    super(scope, id);

    const backEnd = new LambdaFunction(this, "BackEnd", {
      entry: `${FOLDER}/back-end.ts`,
      operation: server.operation,
      environment: { PUBLISH_FUNCTION: server.publish.functionName },
      besideBundle(to) {
        copyFileSync(`${FOLDER}/index.html`, `${to}/index.html`);
        buildSync({
          entryPoints: [`${FOLDER}/page.ts`],
          outfile: `${to}/page.js`,
          ...{ bundle: true, minify: true, format: "esm", target: "es2022", logLevel: "warning" },
        });
      },
    });
    // What verifies HS256 tokens signs them, too.
    tokens.allowVerifying(backEnd);
    // It publishes the rows that the page's users insert.
    server.grantInvoke(backEnd);

    const api = new HttpApi(this, "Api", {
      description: "The demo page",
      createDefaultStage: false,
    });
    api.addStage("Stage", { autoDeploy: true, throttle: THROTTLE });
    const integration = new HttpLambdaIntegration("Page", backEnd);
    for (const path of ["/", "/demo/page.js", "/demo/token"])
      api.addRoutes({ path, methods: [HttpMethod.GET], integration });
    api.addRoutes({ path: "/demo/rows", methods: [HttpMethod.POST], integration });
    this.domainName = domainNameOf(api);
  }
}
