import { stack } from "./running.ts";

/** Publishes through the function, as a back end does that invokes it. */
export async function publish(entry: object): Promise<unknown> {
  const response = await fetch(
    `${stack.url}/2015-03-31/functions/${publishFunction()}/invocations`,
    {
      method: "POST",
      body: JSON.stringify(entry),
    },
  );
  const answer: unknown = await response.json();
  if (response.headers.has("x-amz-function-error"))
    throw new Error(String((answer as { readonly errorMessage: string }).errorMessage));
  return answer;
}

/** Describes a chat before anyone uses it. */
export const describeChat = (org: string, chat: object): Promise<unknown> =>
  publish({ event: "chat:put", org, chat });

/** The publish function's name. */
export function publishFunction(): string {
  const name = stack.functions.names.find((candidate) => candidate.startsWith("Publish"));
  if (name === undefined) throw new Error("the template has no publish function");
  return name;
}
