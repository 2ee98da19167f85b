import { App, CfnOutput, Stack } from "aws-cdk-lib";
import { SocketIoServer } from "serverless-socket-io/cdk";

const stack = new Stack(new App(), "Chat");
const server = new SocketIoServer(stack, "Server", { app: "examples/chat/app.ts" });
const edge = server.addEdge();

new CfnOutput(stack, "ClientUrl", { value: `https://${edge.publicName}` });
