import type { ServerResponse } from "node:http";
import type { Random } from "./random.ts";

/** Shares, from 0 to 1, of a function's AWS calls that fail. */
export interface FaultRates {
  /** Calls of DynamoDB that are throttled. */
  readonly throttle: number;
  /** Calls of DynamoDB that fail: half of them before they are applied, half of them after. */
  readonly fail: number;
  /** Posts that are throttled. */
  readonly throttlePosts: number;
  /** Posts that fail before they are delivered. */
  readonly failPosts: number;
}

export const NO_FAULTS: FaultRates = {
  throttle: 0,
  fail: 0,
  throttlePosts: 0,
  failPosts: 0,
};

/** Injects faults into the AWS calls of functions. */
export interface FaultInjector {
  /** Makes a call of DynamoDB fail at the current rate; `true` if the call has been answered. */
  failsDatabaseCall(response: ServerResponse): boolean;
  /** Makes a post fail at the current rate; `true` if the post has been answered. */
  failsPost(response: ServerResponse): boolean;
  /** Sets the rates from now on. */
  setRates(rates: FaultRates): void;
}

/** Injects faults at random. */
export function createFaultInjector(initial: FaultRates, random: Random): FaultInjector {
  let rates = initial;
  return {
    failsDatabaseCall(response) {
      const chance = random();
      const { throttle, fail } = rates;
      if (chance < throttle) return answer(response, 400, "ThrottlingException");
      if (chance < throttle + fail / 2) return answer(response, 500, "InternalServerError");
      if (chance < throttle + fail) loseAnswer(response);
      return false;
    },
    failsPost(response) {
      const chance = random();
      const { throttlePosts, failPosts } = rates;
      if (chance < throttlePosts) return answer(response, 429, "LimitExceededException");
      if (chance < throttlePosts + failPosts) return answer(response, 500, "InternalServerError");
      return false;
    },
    setRates(next) {
      rates = next;
    },
  };
}

function answer(response: ServerResponse, status: number, type: string): true {
  response
    .writeHead(status, { "content-type": "application/json", "x-amzn-errortype": type })
    .end(JSON.stringify({ __type: type, message: "injected fault" }));
  return true;
}

/** Applies the call, and answers as if it had failed. */
function loseAnswer(response: ServerResponse): void {
  const { end } = response;
  response.end = (() => {
    response.end = end;
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    answer(response, 500, "InternalServerError");
    return response;
  }) as typeof end;
}
