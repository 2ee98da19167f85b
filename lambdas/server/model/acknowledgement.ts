/** Milliseconds for which a handler may wait for acknowledgements: functions run for 29 s. */
export const MAX_TIMEOUT = 20_000;

/** Sockets of which one broadcast may ask acknowledgements: all that come are read into one function. */
export const MAX_ASKED = 1000;

/** Bytes of one acknowledgement, as it is kept. */
export const MAX_ACKNOWLEDGEMENT = 16 * 1024;

/** Milliseconds between two reads of the acknowledgements that have come: at first, and at most; each time half as long again. */
export const MIN_INTERVAL = 20;
export const MAX_INTERVAL = 1000;

/** The largest id that an acknowledgement is asked by: some clients read ids into 32 bits. */
export const MAX_ACK_ID = 2 ** 31 - 1;

/** An event of which acknowledgements are asked: its id is sent along, and sent back. */
export interface Asked {
  readonly tenant: string;
  readonly nsp: string;
  readonly id: number;
}
