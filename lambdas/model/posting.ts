/** What became of a frame posted to a connection; gone is API Gateway's 410. */
export type PostResult = "sent" | "gone";
