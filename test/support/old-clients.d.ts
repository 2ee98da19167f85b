// The types of these releases do not resolve under nodenext; the parts used here equal the current ones.
declare module "socket.io-client-3.1" {
  export { io } from "socket.io-client";
}
declare module "socket.io-client-4.0" {
  export { io } from "socket.io-client";
}
