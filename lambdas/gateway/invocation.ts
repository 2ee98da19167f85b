import type { SignatureV4 } from "@smithy/signature-v4";
import { isPassingStatus, waitAfter } from "./retries.ts";

export interface InvocationParts {
  /** Signs for Lambda. The SDK's own client would be a fifth of the bundle for this one call. */
  readonly signer: Pick<SignatureV4, "sign">;
  /** Where Lambda answers, e.g. `https://lambda.eu-west-1.amazonaws.com`. */
  readonly endpoint: string;
  readonly functionName: string;
  readonly pause: (milliseconds: number) => Promise<unknown>;
}

/** Invokes a function without waiting for it to run. */
export type Invoke = (event: object) => Promise<void>;

const TRIES = 5;

/** Asynchronous invocation (`InvocationType: Event`) of one function; 429 and 5xx are tried again, with jitter. */
export function createInvocation(parts: InvocationParts): Invoke {
  const { signer, endpoint, functionName, pause } = parts;
  const path = `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`;
  const url = new URL(path, endpoint);

  async function post(body: string): Promise<number> {
    const { headers } = await signer.sign({
      method: "POST",
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      headers: {
        host: url.host,
        "content-type": "application/json",
        "x-amz-invocation-type": "Event",
      },
      body,
    });
    const { host: _, ...sent } = headers;
    return (await fetch(url, { method: "POST", headers: sent, body })).status;
  }

  return async (event) => {
    const body = JSON.stringify(event);
    for (let tries = 1; ; tries += 1) {
      const status = await post(body);
      if (status === 202) return;
      if (!isPassingStatus(status) || tries === TRIES)
        throw new Error(`Lambda answered ${status} to an asynchronous invocation`);
      await pause(waitAfter(tries));
    }
  };
}
