import { callAccept } from "./call-accept.ts";
import { callEnd } from "./call-end.ts";
import { callInitiate } from "./call-initiate.ts";
import { callReject } from "./call-reject.ts";

/** Signalling of calls. */
export const callEvents = [callInitiate, callAccept, callReject, callEnd] as const;
