/** Milliseconds within which a connection must send CONNECT. */
export const CONNECT_TIMEOUT = 45_000;
