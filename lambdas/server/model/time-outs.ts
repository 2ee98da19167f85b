/** Milliseconds that API Gateway lets a connection live. */
export const MAX_AGE = 7_200_000;

/** Milliseconds within which a connection must send CONNECT. */
export const CONNECT_TIMEOUT = 45_000;
