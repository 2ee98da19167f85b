import { Buffer } from "node:buffer";
import type { Limits } from "#model/limits.ts";
import { EventError } from "../errors.ts";

/** Refuses the content of a message that is larger than the deployment allows. */
export function refuseLargeContent(content: string, { messageContentBytes }: Limits): void {
  const bytes = Buffer.byteLength(content);
  if (bytes > messageContentBytes)
    throw new EventError(
      "too_large",
      `content: is ${bytes} bytes, more than ${messageContentBytes}`,
    );
}
