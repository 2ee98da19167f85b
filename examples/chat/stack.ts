import { App, CfnOutput, Stack } from "aws-cdk-lib";
import { SocketIoServer } from "../../lib/socket-io-server.ts";

const stack = new Stack(new App(), "Chat");
const server = new SocketIoServer(stack, "Server", { app: "examples/chat/app.ts" });
const edge = server.addEdge();

new CfnOutput(stack, "ClientUrl", { value: `https://${edge.publicName}` });
