import { Decoder as AnyDecoder, type Packet, PacketType } from "socket.io-parser";

export { Encoder } from "socket.io-parser";

/** How many events are remembered, those received last; copies come within seconds of each other. */
const REMEMBERED = 1000;

/**
 * An offset begins with the id of its packet, which all copies have: a ULID and the index in its broadcast, and after
 * `~` the live query that it is for.
 */
const ID_IN_OFFSET = /^[0-9A-HJKMNP-TV-Z]{26}\d+(~[\w-]*)?(?=\.)/;

/**
 * Socket.IO's decoder, without the copies of an event that connection state recovery may post (contract,
 * section 5). A client keeps its decoder when it reconnects.
 */
export class Decoder extends AnyDecoder {
  readonly #decoder = new AnyDecoder();
  /** The `pid` of the session in each namespace. */
  readonly #pids = new Map<string, string | undefined>();
  readonly #received = new Set<string>();

  constructor() {
    super();
    this.#decoder.on("decoded", (packet) => {
      if (packet.type === PacketType.CONNECT) this.#pids.set(packet.nsp, packet.data?.pid);
      if (packet.type !== PacketType.EVENT || this.#isNew(packet))
        this.emitReserved("decoded", packet);
    });
  }

  override add(data: unknown): void {
    this.#decoder.add(data);
  }

  override destroy(): void {
    this.#decoder.destroy();
  }

  /** Notes an event, and returns whether its session has not had it; one without an offset is always new. */
  #isNew({ nsp, data }: Packet): boolean {
    const pid = this.#pids.get(nsp);
    const id = pid && ID_IN_OFFSET.exec(String(data.at(-1)))?.[0];
    if (!id) return true;
    const key = JSON.stringify([pid, id]);
    if (this.#received.has(key)) return false;
    const [oldest = ""] = this.#received.add(key);
    if (this.#received.size > REMEMBERED) this.#received.delete(oldest);
    return true;
  }
}
