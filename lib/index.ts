/** The public surface of the deployment, `serverless-socket-io/cdk`. */
export { Edge, type EdgeProps } from "./edge.ts";
export type { EntryFiles } from "./entries.ts";
export type { Operation } from "./lambda-function.ts";
export { SocketIoServer, type SocketIoServerProps } from "./socket-io-server.ts";
export type { ItemAction } from "./state-table.ts";
export type { Transport } from "./transports.ts";
