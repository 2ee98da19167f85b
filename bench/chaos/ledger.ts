/** Milliseconds that a delivery may take after its sender was told that it is done. */
const LONGEST_DELIVERY = 10_000;

/** One connected socket that is in all its rooms, for as long as that lasts. */
export interface Presence {
  readonly userId: string;
  readonly since: number;
  until: number;
  /** How often each mark was heard. */
  readonly heard: Map<string, number>;
}

/** Something sent under a mark of its own, and who must hear it. */
interface Sent {
  readonly mark: string;
  readonly sender: string;
  readonly audience: string;
  readonly at: number;
  /** When its sender was told that it is done. */
  confirmedAt?: number;
}

export interface Totals {
  readonly sent: number;
  readonly confirmed: number;
  readonly refused: number;
  /** Sent by sockets that stayed, and never answered. */
  readonly unanswered: number;
  readonly expected: number;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicated: number;
}

/** What was sent, and who heard of it. */
export interface Ledger {
  /** Begins the time of a socket in an audience. */
  enters(audience: string, userId: string): Presence;
  leaves(presence: Presence): void;
  hears(presence: Presence, mark: string): void;
  /** Notes something sent; an audience of nobody means that only the answer matters. */
  sends(mark: string, sender: string, audience: string): Receipt;
  totals(): Totals;
}

/** How something that was sent ends. */
export interface Receipt {
  confirmed(): void;
  refused(code: string): void;
  /** Its socket has gone: nobody knows. */
  cut(): void;
}

/** An empty ledger. */
export function createLedger(now: () => number): Ledger {
  const presences = new Map<string, Presence[]>();
  const sent: Sent[] = [];
  const counts = { sent: 0, confirmed: 0, refused: 0, cut: 0 };

  return {
    enters(audience, userId) {
      const presence = {
        userId,
        since: now(),
        until: Number.POSITIVE_INFINITY,
        heard: new Map<string, number>(),
      };
      const others = presences.get(audience);
      if (others === undefined) presences.set(audience, [presence]);
      else others.push(presence);
      return presence;
    },

    leaves(presence) {
      presence.until = now();
    },

    hears: ({ heard }, mark) => void heard.set(mark, (heard.get(mark) ?? 0) + 1),

    sends(mark, sender, audience) {
      counts.sent += 1;
      const entry: Sent = { mark, sender, audience, at: now() };
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
      const due = sent.flatMap((entry) =>
        (presences.get(entry.audience) ?? [])
          .filter((presence) => mustHear(presence, entry))
          .map(({ heard }) => heard.get(entry.mark) ?? 0),
      );
      const heard = [...presences.values()]
        .flat()
        .flatMap((presence) => [...presence.heard.values()]);
      return {
        sent: all,
        confirmed,
        refused,
        unanswered: all - confirmed - refused - cut,
        expected: due.length,
        delivered: heard.length,
        lost: due.filter((times) => times === 0).length,
        duplicated: heard.filter((times) => times > 1).length,
      };
    },
  };
}

/** Whoever was there when it was sent, and long enough after that, must have heard of it. */
const mustHear = ({ userId, since, until }: Presence, { sender, at, confirmedAt }: Sent): boolean =>
  userId !== sender &&
  confirmedAt !== undefined &&
  since <= at &&
  until > confirmedAt + LONGEST_DELIVERY;
