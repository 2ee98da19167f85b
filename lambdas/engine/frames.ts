import { decodePacket, encodePacket } from "engine.io-parser";

/** What a client's frame means. `illegal` is whatever an Engine.IO v4 client must not send. */
export type ClientFrame =
  | { readonly type: "message"; readonly data: string }
  | { readonly type: "attachment"; readonly data: Buffer }
  | { readonly type: "pong" | "close" | "noop" | "illegal" };

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
      return { type };
    // In v4 the server pings; OPEN and UPGRADE never come from a client of this transport.
    default:
      return { type: "illegal" };
  }
}

/** The frame of the server's ping. */
export function pingFrame(): string {
  let frame = "";
  encodePacket({ type: "ping" }, false, (encoded) => {
    frame = encoded;
  });
  return frame;
}

/** The frame that carries one message: text as it is, an attachment in base64 (API Gateway takes no binary). */
export function encodeFrame(data: string | Buffer): string {
  let frame = "";
  encodePacket({ type: "message", data }, false, (encoded) => {
    frame = encoded;
  });
  return frame;
}
