/** A condition of the queues that a test may leave out, to see what it is for. */
export type Part = keyof typeof PARTS;

/** Leaves a text out of the conditions of the updates that fit. */
const leaveOut =
  (fits: RegExp, text: string, instead = "") =>
  (update: string, condition: string): string =>
    fits.test(update) ? condition.replace(text, instead) : condition;

const APPEND = /list_append\(packets, :packets\)/;
const ARRIVE = /sentTo = :key/;
const TAKE = /^SET sent = packets, packets = :none, #size = :zero$/;
const LIMIT = /^SET sent = :sent/;
const CHANGE = /^SET #state = :upgraded/;
const FLUSH_MORE = /round = :next$/;

/** Each gives the condition of an update without itself. */
export const PARTS = {
  open: leaveOut(
    APPEND,
    "(#state IN (:polling, :probing) AND pollAt > :silent OR #state = :flushing AND flushedAt > :dead)",
    "attribute_exists(pk)",
  ),
  maxPackets: leaveOut(APPEND, "size(packets) <= :maxPackets AND "),
  maxBytes: leaveOut(APPEND, " AND #size <= :maxBytes"),
  id: leaveOut(APPEND, "attribute_not_exists(ids.#id) AND "),
  sentId: leaveOut(APPEND, "attribute_not_exists(sentIds.#id) AND "),
  begun: leaveOut(APPEND, " AND pollAt <= :begun"),
  otherKey: leaveOut(ARRIVE, " AND (attribute_not_exists(sentTo) OR sentTo <> :key)"),
  newest: leaveOut(ARRIVE, " AND pollAt < :at"),
  token: leaveOut(TAKE, " AND poll = :request"),
  nothingTaken: leaveOut(TAKE, " AND size(sent) = :zero"),
  limitToken: leaveOut(LIMIT, " AND poll = :request"),
  limitCount: leaveOut(LIMIT, " AND size(sent) = :count"),
  upgradeState: leaveOut(CHANGE, "#state = :probing AND link = :link AND "),
  empty: leaveOut(
    CHANGE,
    "#state = :probing AND link = :link AND size(packets) = :zero",
    "#state = :probing AND link = :link",
  ),
  emptyAfterFlush: leaveOut(CHANGE, "round = :round AND size(packets) = :zero", "round = :round"),
  roundOfChange: leaveOut(CHANGE, " AND round = :round"),
  round: leaveOut(FLUSH_MORE, " AND round = :round"),
};
