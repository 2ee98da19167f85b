const OFFSET = /^\w{30}(~[\w-]*)?\.\d{13}(\.|$)/;

/** The arguments of an event without the offset that follows them where its packet may be replayed. */
export const withoutOffset = (args: unknown[]): unknown[] =>
  OFFSET.test(String(args.at(-1))) ? args.slice(0, -1) : args;
