/** What a protocol of recovery does; the tests leave one rule out at a time. */
export interface Rules {
  /** The log is written before the members are read. */
  readonly logFirst: boolean;
  /** The steps of a recovery, in order. */
  readonly recovery: readonly RecoveryStep[];
  /** What a member item's key has after the room: session and connection, or the session alone. */
  readonly keys: "epoch" | "sid";
  /** Which of two connections is the newer one. */
  readonly order: "connectedAt" | "arrival";
  /** Broadcasters ask the session of a member that was listed by a recovery. */
  readonly asks: boolean;
  /** They note on a recovering session what they leave to its recovery. */
  readonly notes: boolean;
  /** The session holds what its recovery posted before that was marked. */
  readonly replayedSet: boolean;
  /** What ends the asking: an answer, or time alone. */
  readonly settles: "asked" | "time";
  /** Packets are marked, and a mark is compared with the time before the client's last packet. */
  readonly resume: "marks" | "id";
  /** A mark counts only with the margin of clocks. */
  readonly margin: boolean;
  /** Pings count only once the recovery is complete. */
  readonly pings: "complete" | "always";
  /** A recovery lists members under the condition that every other command has. */
  readonly listsIfNewer: boolean;
  /** The stamp of a member that a recovery lists: that of the session's record, or of the CONNECT. */
  readonly listStamp: "record" | "connect";
  /** Whose `n` the item of a command has: that of the record when it was noted, or of the frame's connection. */
  readonly commandKey: "record" | "frame";
  /** A repeated join keeps the time since which the session is in the room. */
  readonly keepsSince: boolean;
  /** Retention is looked at once the log was read, before, or never. */
  readonly retention: "after" | "before" | "never";
  /** All pages and rooms are read before one member of a session is chosen. */
  readonly wholeSids: boolean;
  /** Key ranges of a room are cut between sessions, and a mark counts for its key range alone. */
  readonly ranges: "between" | "within" | "any mark";
  /** A worker that comes after the deadline posts nothing. */
  readonly deadline: boolean;
  /** What a broadcaster does after a post without an answer. */
  readonly unanswered: "close" | "retry" | "leave" | "mark";
  /** A recovery closes its connection after a post without an answer. */
  readonly closesUnanswered: boolean;
  /** A recovery knows its own take by what it wrote, if the answer to it was lost. */
  readonly knowsOwnTake: boolean;
}

export type RecoveryStep = "take" | "list" | "query" | "look" | "answer" | "replay" | "complete";

/** The protocol to build. */
export const MAILBOX: Rules = {
  logFirst: true,
  recovery: ["take", "list", "query", "look", "answer", "replay", "complete"],
  keys: "epoch",
  order: "connectedAt",
  asks: true,
  notes: true,
  replayedSet: true,
  settles: "asked",
  resume: "marks",
  margin: true,
  pings: "complete",
  listsIfNewer: true,
  listStamp: "record",
  commandKey: "record",
  keepsSince: true,
  retention: "after",
  wholeSids: true,
  ranges: "between",
  deadline: true,
  unanswered: "close",
  closesUnanswered: true,
  knowsOwnTake: true,
};
