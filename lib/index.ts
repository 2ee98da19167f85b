/** The public surface of the deployment, `serverless-socket-io/cdk`. */
export type { Alarms, AlarmsOptions } from "./alarms.ts";
export type { Dashboard, DashboardOptions } from "./dashboard.ts";
export type { Edge, EdgeOptions } from "./edge.ts";
export type { EntryFiles } from "./entries.ts";
export type { Operation } from "./lambda-function.ts";
export type { LifecycleEvents } from "./lifecycle-events.ts";
export type { ServerOptions } from "./server-props.ts";
export { SocketIoServer, type SocketIoServerProps } from "./socket-io-server.ts";
export type { ItemAction } from "./state-table.ts";
export type { Transport } from "./transports.ts";
