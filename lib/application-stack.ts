import { CfnOutput, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { SocketIoServerProps } from "./server-props.ts";
import { SocketIoServer } from "./socket-io-server.ts";

/** One application of the server at the edge: what `-c app=…` deploys, with all defaults, and what runs locally. */
export class ApplicationStack extends Stack {
  constructor(scope: Construct, id: string, props: SocketIoServerProps) {
    const description = `Serverless Socket.IO: ${"app" in props ? props.app : id}`;
    super(scope, id, { description });
    const server = new SocketIoServer(this, "Server", props);
    const edge = server.addEdge();
    new CfnOutput(this, "ClientUrl", { value: `https://${edge.publicName}` });
    new CfnOutput(this, "DirectUrl", { value: server.endpoint });
  }
}
