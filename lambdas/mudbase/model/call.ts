/** A call that rings or goes on in a chat. */
export interface Call {
  readonly callerId: string;
  readonly type: "audio" | "video";
  readonly participants: readonly string[];
}
