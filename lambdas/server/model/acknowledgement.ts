/** Milliseconds for which a handler may wait for acknowledgements: functions run for 29 s. */
export const MAX_TIMEOUT = 20_000;

/** Sockets of which one broadcast may ask acknowledgements: all that come are read into one function. */
export const MAX_ASKED = 1000;

/** Bytes of one acknowledgement, as it is kept. */
export const MAX_ACKNOWLEDGEMENT = 16 * 1024;

/** Milliseconds between two looks for acknowledgements: the first, and the longest; each is half as long again as the last. */
export const FIRST_LOOK = 20;
export const LONGEST_LOOK = 1000;

/** The largest id that an acknowledgement is asked by: some clients read ids into 32 bits. */
export const MAX_ACK_ID = 2 ** 31 - 1;

/** An event of which acknowledgements are asked: its id is sent along, and sent back. */
export interface Asked {
  readonly tenant: string;
  readonly nsp: string;
  readonly id: number;
}
