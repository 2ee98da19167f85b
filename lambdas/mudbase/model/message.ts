/** A message of a chat. */
export interface Message {
  readonly id: string;
  readonly sender: string;
  readonly type: "text" | "image" | "file" | "audio";
  readonly content: string;
  readonly replyTo?: string | undefined;
  readonly mentions: readonly string[];
  /** ISO 8601 UTC with milliseconds. */
  readonly createdAt: string;
  readonly editedAt?: string | undefined;
  /** Users by the emoji they have reacted with; left out where a page of history has no room for them. */
  readonly reactions?: Readonly<Record<string, readonly string[]>> | undefined;
  /** How many users have read it. */
  readonly readBy: number;
}

/** A message that is not stored yet; the same `clientMessageId` of one sender stores it once. */
export interface Draft extends Omit<Message, "editedAt" | "reactions" | "readBy"> {
  readonly clientMessageId?: string | undefined;
}
