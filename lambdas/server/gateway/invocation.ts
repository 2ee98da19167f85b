import type { SignatureV4 } from "@smithy/signature-v4";
import { persist } from "./retries.ts";
import { MAX_ANSWER } from "./time-outs.ts";

export interface InvocationParts {
  /** Signs for Lambda. The SDK's own client would be a fifth of the bundle for this one call. */
  readonly signer: Pick<SignatureV4, "sign">;
  /** Where Lambda answers, e.g. `https://lambda.eu-west-1.amazonaws.com`. */
  readonly endpoint: string;
  readonly functionName: string;
  readonly pause: (milliseconds: number) => Promise<unknown>;
  readonly now: () => number;
}

/** Invokes a function without waiting for it to run. */
export type Invoke = (event: object) => Promise<void>;

const TRIES = 5;

/** Characters of Lambda's own words that are kept, e.g. which permission is missing. */
const MAX_REASON = 500;

/** Asynchronous invocation (`InvocationType: Event`) of one function; what is throttled, fails or breaks is tried again, with jitter. */
export function createInvocation(parts: InvocationParts): Invoke {
  const { signer, endpoint, functionName, pause, now } = parts;
  const path = `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`;
  const url = new URL(path, endpoint);

  async function post(body: string): Promise<void> {
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
    const signal = AbortSignal.timeout(MAX_ANSWER);
    const response = await fetch(url, { method: "POST", headers: sent, body, signal });
    const { status } = response;
    if (status === 202) return;
    const reason = (await response.text()).slice(0, MAX_REASON);
    throw Object.assign(
      new Error(`Lambda answered ${status} to an asynchronous invocation: ${reason}`),
      { $metadata: { httpStatusCode: status } },
    );
  }

  return (event) => {
    const body = JSON.stringify(event);
    return persist(() => post(body), { tries: TRIES, pause, now });
  };
}
