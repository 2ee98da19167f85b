/** Milliseconds within which a connection to AWS must be there, the wait for a free one included. */
export const MAX_CONNECT = 3000;

/** Milliseconds within which AWS must answer. With all its tries a call stays well below a function's 29 s. */
export const MAX_ANSWER = 4000;
