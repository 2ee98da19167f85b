import type { ApiGatewayManagementApiClient } from "@aws-sdk/client-apigatewaymanagementapi";
import type { SignatureV4 } from "@smithy/signature-v4";
import { persist } from "./retries.ts";

export interface InvocationParts {
  /** Signs for Lambda. The SDK's own client would be a fifth of the bundle for this one call. */
  readonly signer: Pick<SignatureV4, "sign">;
  /** A client's own, with its time-outs. Node's `fetch` takes as long to load as all clients together. */
  readonly requestHandler: ApiGatewayManagementApiClient["config"]["requestHandler"];
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
  const { signer, requestHandler, endpoint, functionName, pause, now } = parts;
  const { protocol, host, hostname, port } = new URL(endpoint);
  const request = {
    ...{ method: "POST", protocol, hostname, ...(port !== "" && { port: Number(port) }) },
    path: `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`,
    headers: { host, "content-type": "application/json", "x-amz-invocation-type": "Event" },
  };

  async function post(body: string): Promise<void> {
    const signed = await signer.sign({ ...request, body });
    const { response } = await requestHandler.handle(signed);
    // Read whatever it says, so that the connection can be used again.
    let text = "";
    for await (const chunk of response.body) text += chunk;
    const { statusCode: status } = response;
    if (status === 202) return;
    throw Object.assign(
      new Error(
        `Lambda answered ${status} to an asynchronous invocation: ${text.slice(0, MAX_REASON)}`,
      ),
      { $metadata: { httpStatusCode: status } },
    );
  }

  return (event) => {
    const body = JSON.stringify(event);
    return persist(() => post(body), { tries: TRIES, pause, now });
  };
}
