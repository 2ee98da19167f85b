/** What became of a frame posted to a connection: gone is API Gateway's 410, too large its 413. */
export type PostResult = "sent" | "gone" | "too_large";
