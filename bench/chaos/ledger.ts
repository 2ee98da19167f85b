/** Maximum milliseconds of a delivery after its acknowledgement. */
const MAX_DELIVERY_TIME = 10_000;

/** The time in which one socket is connected and in all its rooms. */
export interface Membership {
  readonly audience: string;
  readonly userId: string;
  readonly since: number;
  until: number;
  /** The times in which its connection was lost. */
  readonly absences: { readonly from: number; readonly until: number }[];
  /** How often it received each mark. */
  readonly received: Map<string, number>;
}

/** An event sent with a mark, and who must receive it. */
export interface Outgoing {
  readonly mark: string;
  readonly event: string;
  readonly sender: string;
  /** Empty where only its acknowledgement counts. */
  readonly audience: string;
  readonly isVolatile: boolean;
}

interface Sent extends Outgoing {
  readonly at: number;
  /** When it was acknowledged. */
  confirmedAt?: number;
}

export interface Totals {
  readonly sent: number;
  readonly confirmed: number;
  readonly refused: number;
  /** Never acknowledged, although the socket stayed connected. */
  readonly unanswered: number;
  readonly expected: number;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicated: number;
  /** How often a socket came back as the same one. */
  readonly returned: number;
}

/** Records what was sent and who received it. */
export interface Ledger {
  /** Begins the membership of a socket in an audience. */
  join(audience: string, userId: string): Membership;
  leave(membership: Membership): void;
  /** Continues the membership of a socket that has come back as the same one. */
  comeBack(membership: Membership): void;
  receive(membership: Membership, mark: string): void;
  send(event: Outgoing): Receipt;
  totals(): Totals;
  /** A line for each delivery that is lost. */
  lost(): readonly string[];
}

/** The outcome of a sent event. */
export interface Receipt {
  confirmed(): void;
  refused(code: string): void;
  /** The socket disconnected before the acknowledgement, so the outcome is unknown. */
  cut(): void;
}

/** An empty ledger. */
export function createLedger(now: () => number): Ledger {
  const memberships = new Map<string, Membership[]>();
  const sent: Sent[] = [];
  const counts = { sent: 0, confirmed: 0, refused: 0, cut: 0 };

  const due = () =>
    sent.flatMap((entry) =>
      (memberships.get(entry.audience) ?? [])
        .filter((membership) => mustReceive(membership, entry))
        .map((membership) => ({
          ...{ entry, membership, times: membership.received.get(entry.mark) ?? 0 },
        })),
    );
  const lost = () => due().filter(({ times }) => times === 0);

  return {
    join(audience, userId) {
      const membership = {
        audience,
        userId,
        since: now(),
        until: Number.POSITIVE_INFINITY,
        absences: [],
        received: new Map<string, number>(),
      };
      const others = memberships.get(audience);
      if (others === undefined) memberships.set(audience, [membership]);
      else others.push(membership);
      return membership;
    },

    leave(membership) {
      // A return that is cut before its CONNECT is lost again.
      membership.until = Math.min(membership.until, now());
    },

    comeBack(membership) {
      membership.absences.push({ from: membership.until, until: now() });
      membership.until = Number.POSITIVE_INFINITY;
    },

    receive: ({ received }, mark) => void received.set(mark, (received.get(mark) ?? 0) + 1),

    send(event) {
      counts.sent += 1;
      const entry: Sent = { ...event, at: now() };
      sent.push(entry);
      return {
        confirmed() {
          counts.confirmed += 1;
          entry.confirmedAt = now();
        },
        refused() {
          counts.refused += 1;
        },
        cut() {
          counts.cut += 1;
        },
      };
    },

    totals() {
      const { sent: all, confirmed, refused, cut } = counts;
      const members = [...memberships.values()].flat();
      const received = members.flatMap((membership) => [...membership.received.values()]);
      return {
        sent: all,
        confirmed,
        refused,
        unanswered: all - confirmed - refused - cut,
        expected: due().length,
        delivered: received.length,
        lost: lost().length,
        duplicated: received.filter((times) => times > 1).length,
        returned: members.flatMap(({ absences }) => absences).length,
      };
    },

    lost: () => lost().map(({ entry, membership }) => describe(entry, membership)),
  };
}

/** A delivery with its times: those of the recipient are milliseconds since the event was sent. */
function describe(
  { mark, event, sender, isVolatile, at, confirmedAt }: Sent,
  { userId, since, until, absences }: Membership,
): string {
  const away = absences.map(({ from, until: back }) => `${from - at} to ${back - at}`);
  return [
    `${mark} ${event}${isVolatile ? " (volatile)" : ""}`,
    `from ${sender === "" ? "a back end" : sender} to ${userId}:`,
    `sent at ${new Date(at).toISOString()}, acknowledged after ${Number(confirmedAt) - at} ms;`,
    `the recipient joined at ${since - at} ms,`,
    `${until === Number.POSITIVE_INFINITY ? "stayed" : `left at ${until - at} ms`},`,
    `was ${away.length === 0 ? "never away" : `away at ${away.join(", ")} ms`}`,
  ].join(" ");
}

/**
 * A socket that was a member when the event was sent, and long enough after it, must receive it: later, if its
 * connection was lost, but not what is volatile.
 */
function mustReceive(
  { userId, since, until, absences }: Membership,
  { sender, at, confirmedAt, isVolatile }: Sent,
): boolean {
  if (userId === sender || confirmedAt === undefined) return false;
  const end = confirmedAt + MAX_DELIVERY_TIME;
  // What is volatile is dropped while a recovery still posts, which its client's `connect` begins.
  const wasAway = absences.some(
    ({ from, until: back }) => from < end && back + MAX_DELIVERY_TIME > at,
  );
  return since <= at && until > end && !(isVolatile && wasAway);
}
