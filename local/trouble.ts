import type { ServerResponse } from "node:http";
import type { Random } from "./random.ts";

/** Shares, from 0 to 1, of a function's calls that go wrong. */
export interface TroubleShares {
  /** Calls of DynamoDB that are throttled. */
  readonly throttle: number;
  /** Calls of DynamoDB that fail: half of them before they are applied, half of them after. */
  readonly fail: number;
  /** Posts that are throttled. */
  readonly throttlePosts: number;
  /** Posts that fail before they are delivered. */
  readonly failPosts: number;
}

export const NO_TROUBLE: TroubleShares = {
  throttle: 0,
  fail: 0,
  throttlePosts: 0,
  failPosts: 0,
};

/** A bad day of AWS, for rehearsals. */
export interface Trouble {
  /** Makes a call of DynamoDB go wrong, or not; `true` where it has been answered. */
  strikesDatabase(response: ServerResponse): boolean;
  /** The same for a post. */
  strikesPost(response: ServerResponse): boolean;
  /** How it is from now on. */
  become(shares: TroubleShares): void;
}

/** Trouble by chance. */
export function createTrouble(initial: TroubleShares, random: Random): Trouble {
  let shares = initial;
  return {
    strikesDatabase(response) {
      const chance = random();
      const { throttle, fail } = shares;
      if (chance < throttle) return answer(response, 400, "ThrottlingException");
      if (chance < throttle + fail / 2) return answer(response, 500, "InternalServerError");
      if (chance < throttle + fail) loseAnswer(response);
      return false;
    },
    strikesPost(response) {
      const chance = random();
      const { throttlePosts, failPosts } = shares;
      if (chance < throttlePosts) return answer(response, 429, "LimitExceededException");
      if (chance < throttlePosts + failPosts) return answer(response, 500, "InternalServerError");
      return false;
    },
    become(next) {
      shares = next;
    },
  };
}

function answer(response: ServerResponse, status: number, type: string): true {
  response
    .writeHead(status, { "content-type": "application/json", "x-amzn-errortype": type })
    .end(JSON.stringify({ __type: type, message: "a rehearsal of a bad day" }));
  return true;
}

/** Lets the call be done, and answers as if it had not been. */
function loseAnswer(response: ServerResponse): void {
  const { end } = response;
  response.end = (() => {
    response.end = end;
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    answer(response, 500, "InternalServerError");
    return response;
  }) as typeof end;
}
