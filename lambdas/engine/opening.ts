import type { PostResult } from "#model/posting.ts";

const FIRST_WAIT = 10;
const LONGEST_WAIT = 640;
const BUDGET = 5000;

export interface OpeningParts {
  readonly post: (connectionId: string, frame: string) => Promise<PostResult>;
  readonly pause: (milliseconds: number) => Promise<unknown>;
}

/**
 * Posts the OPEN packet as soon as API Gateway lets it through: until `$connect` has returned every
 * post is answered 410, so it is tried again after 10, 20, 40 … ms, for 5 s in all.
 */
export async function postOpening(
  connectionId: string,
  frame: string,
  { post, pause }: OpeningParts,
): Promise<PostResult> {
  for (let wait = FIRST_WAIT, waited = 0; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    if ((await post(connectionId, frame)) === "sent") return "sent";
    if (waited >= BUDGET) return "gone";
    await pause(wait);
    waited += wait;
  }
}
