import { CfnOutput, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { SocketIoServer } from "./socket-io-server.ts";

/** One application of the server with all defaults, at the edge: what `-c app=…` deploys. */
export class ApplicationStack extends Stack {
  constructor(scope: Construct, id: string, app: string) {
    super(scope, id, { description: `Serverless Socket.IO: ${app}` });
    const server = new SocketIoServer(this, "Server", { app });
    const edge = server.addEdge();
    new CfnOutput(this, "ClientUrl", { value: `https://${edge.publicName}` });
    new CfnOutput(this, "DirectUrl", { value: server.endpoint });
  }
}
