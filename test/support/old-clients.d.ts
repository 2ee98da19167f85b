// The releases' own types do not resolve under module nodenext; what is used of them is the same.
declare module "socket.io-client-3.1" {
  export { io } from "socket.io-client";
}
declare module "socket.io-client-4.0" {
  export { io } from "socket.io-client";
}
