import { encode } from "../frames.ts";

/** Between two packets of a payload. */
const SEPARATOR = "\x1e";

/** The body that carries packets, as far as they are encoded already. */
const payloadOf = (packets: readonly string[]): string => packets.join(SEPARATOR);

/** The packets of a body, to be decoded. */
export const packetsIn = (payload: string): readonly string[] => payload.split(SEPARATOR);

/** Why an Engine.IO server refuses a request: its code, and what it says. */
const REFUSALS = {
  transport: { code: 0, message: "Transport unknown" },
  sid: { code: 1, message: "Session ID unknown" },
  method: { code: 2, message: "Bad handshake method" },
  request: { code: 3, message: "Bad request" },
  origin: { code: 4, message: "Forbidden" },
  version: { code: 5, message: "Unsupported protocol version" },
} as const;
export type Refusal = keyof typeof REFUSALS;

/** What a GET is answered that there is nothing for. */
export const NOOP = encode({ type: "noop" });

/** The packet by which either side closes. */
export const CLOSE = encode({ type: "close" });

/** What a request is answered. */
export interface PollingAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const answer = (statusCode: number, type: string, body: string): PollingAnswer => ({
  ...{ statusCode, body },
  headers: { "content-type": type, "cache-control": "no-store" },
});

/** Packets that are encoded already. */
export const answerPackets = (packets: readonly string[]): PollingAnswer =>
  answer(200, "text/plain; charset=UTF-8", payloadOf(packets));

/** A POST was taken. */
export const ANSWER_OK = answer(200, "text/html", "ok");

export const answerRefusal = (why: Refusal, statusCode = 400): PollingAnswer =>
  answer(statusCode, "application/json", JSON.stringify(REFUSALS[why]));
