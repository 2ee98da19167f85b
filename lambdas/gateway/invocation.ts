import type { AwsClient } from "aws4fetch";

export interface InvocationParts {
  /** Signs the request; the SDK's own Lambda client would be a fifth of the bundle for this one call. */
  readonly client: AwsClient;
  /** Where Lambda answers, e.g. `https://lambda.eu-west-1.amazonaws.com`. */
  readonly endpoint: string;
  readonly functionName: string;
}

/** Invokes a function without waiting for it to run. */
export type Invoke = (event: object) => Promise<void>;

/** Asynchronous invocation (`InvocationType: Event`) of one function; 429 and 5xx are tried again by the client. */
export function createInvocation({ client, endpoint, functionName }: InvocationParts): Invoke {
  const url = `${endpoint}/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`;
  return async (event) => {
    const { status } = await client.fetch(url, {
      method: "POST",
      headers: { "X-Amz-Invocation-Type": "Event" },
      body: JSON.stringify(event),
      aws: { service: "lambda" },
    });
    if (status !== 202) throw new Error(`Lambda answered ${status} to an asynchronous invocation`);
  };
}
