/** A package that this repository publishes; what it needs of other packages follows from what it imports. */
export interface Package {
  readonly name: string;
  readonly description: string;
  readonly keywords: readonly string[];
  /** The file behind each entry point. */
  readonly exports: Readonly<Record<string, string>>;
  /** The file behind each command. */
  readonly bin?: Readonly<Record<string, string>>;
  /** Files that are read or bundled at run time, so that nothing imports them. */
  readonly alsoNeeded?: readonly string[];
  /** Packages that the application has as well, and shares. */
  readonly peers: readonly string[];
  /** Those of them that only some entry points need. */
  readonly optionalPeers?: readonly string[];
}

const KEYWORDS = ["socket.io", "serverless", "websocket", "realtime"];

export const PACKAGES: readonly Package[] = [
  {
    name: "serverless-socket-io",
    description: "A real Socket.IO server with no server, on API Gateway, Lambda and DynamoDB.",
    keywords: [...KEYWORDS, "aws", "lambda", "api-gateway", "dynamodb", "cdk"],
    exports: {
      "./server": "lambdas/server/index.ts",
      "./cdk": "lib/index.ts",
      "./testing": "local/testing.ts",
    },
    bin: { "serverless-socket-io": "bin/serverless-socket-io.ts" },
    alsoNeeded: [
      "lambdas/server/functions/lifecycle.ts",
      "lambdas/server/store/endpoint-cache.ts",
      "lib/edge-function.js",
      "local/lambda-runtime.js",
    ],
    // An application's schemas are zod's, so both must have the same.
    peers: ["aws-cdk-lib", "constructs", "zod"],
  },
  {
    name: "serverless-socket-io-client",
    description:
      "The typed client of Serverless Socket.IO's contract, and what its back ends need: an emitter and tokens.",
    keywords: KEYWORDS,
    exports: {
      ".": "client/index.ts",
      "./emitter": "client/emitter.ts",
      "./token": "client/token.ts",
    },
    peers: ["socket.io-client", "@aws-sdk/client-lambda", "@aws-sdk/client-eventbridge"],
    optionalPeers: ["@aws-sdk/client-lambda", "@aws-sdk/client-eventbridge"],
  },
];
