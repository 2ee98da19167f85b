import { Buffer } from "node:buffer";
import { CONTENT_BYTES, type Limits } from "#model/limits.ts";
import { EventError } from "../errors.ts";

/** Refuses the content of a message that is larger than the deployment allows, or than a packet has room for. */
export function refuseLargeContent(content: string, { messageContentBytes }: Limits): void {
  const bytes = Buffer.byteLength(content);
  if (bytes > messageContentBytes)
    throw new EventError(
      "too_large",
      `content: is ${bytes} bytes, more than ${messageContentBytes}`,
    );
  const encoded = Buffer.byteLength(JSON.stringify(content)) - QUOTES;
  if (encoded > CONTENT_BYTES)
    throw new EventError(
      "too_large",
      `content: is ${encoded} bytes of JSON, more than ${CONTENT_BYTES}`,
    );
}

const QUOTES = 2;
