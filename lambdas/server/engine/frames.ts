import { decodePacket, encodePacket, type Packet } from "engine.io-parser";

/** What a client's frame means. `illegal` is whatever an Engine.IO v4 client must not send. */
export type ClientFrame =
  | { readonly type: "message"; readonly data: string }
  | { readonly type: "attachment"; readonly data: Buffer }
  | { readonly type: "pong" | "probe" | "upgrade" | "close" | "noop" | "illegal" };

/** Decodes the text of one frame; never throws. */
export function decodeFrame(text: string): ClientFrame {
  const { type, data } = decodePacket(text, "nodebuffer");
  switch (type) {
    case "message":
      return Buffer.isBuffer(data)
        ? { type: "attachment", data }
        : { type: "message", data: data ?? "" };
    case "pong":
    case "close":
    case "noop":
    case "upgrade":
      return { type };
    // In v4 the server pings, but for the one that probes; OPEN never comes from a client.
    case "ping":
      return { type: data === PROBE ? "probe" : "illegal" };
    default:
      return { type: "illegal" };
  }
}

const PROBE = "probe";

/** The frame that answers a client's probe. */
export const probeAnswer = (): string => encode({ type: "pong", data: PROBE });

/** The frame of the server's ping. */
export const pingFrame = (): string => encode({ type: "ping" });

/** The frame that carries one message: text as it is, an attachment in base64 (API Gateway takes no binary). */
export const encodeFrame = (data: string | Buffer): string => encode({ type: "message", data });

/** The frame of a packet. The parser hands text over before it returns. */
export function encode(packet: Packet): string {
  let frame = "";
  encodePacket(packet, false, (encoded) => {
    frame = encoded;
  });
  return frame;
}
