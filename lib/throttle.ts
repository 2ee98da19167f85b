import type { ThrottleSettings } from "aws-cdk-lib/aws-apigatewayv2";

/** So many requests in a second, and half as many at once: the proportion of an account's own throttle. */
export const throttleOf = (rateLimit: number): ThrottleSettings => ({
  rateLimit,
  burstLimit: Math.ceil(rateLimit / 2),
});
