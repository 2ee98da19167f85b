/** Reads the bytes a client sends and reports the payload length of each WebSocket frame. */
export function createFrameMeter(onFrame: (payloadBytes: number) => void): (chunk: Buffer) => void {
  let header = Buffer.alloc(0);
  let payloadLeft = 0;

  return (chunk) => {
    let rest = chunk;
    while (rest.length > 0) {
      const skipped = Math.min(payloadLeft, rest.length);
      payloadLeft -= skipped;
      rest = rest.subarray(skipped);
      if (rest.length === 0) return;

      header = Buffer.concat([header, rest.subarray(0, 1)]);
      rest = rest.subarray(1);
      const payload = payloadLength(header);
      if (payload === undefined) continue;
      onFrame(payload);
      payloadLeft = payload;
      header = Buffer.alloc(0);
    }
  };
}

const MASK_BYTES = 4;

/** The bytes of a frame that the gateway sends, its header included. */
export const frameBytes = (payloadBytes: number): number =>
  payloadBytes + (payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10);

/** The payload length in a frame header (RFC 6455, 5.2); `undefined` while the header is incomplete. */
function payloadLength(header: Buffer): number | undefined {
  const second = header[1];
  if (second === undefined) return undefined;
  const short = second & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  const mask = second & 0x80 ? MASK_BYTES : 0;
  if (header.length < 2 + extended + mask) return undefined;
  if (extended === 0) return short;
  return extended === 2 ? header.readUInt16BE(2) : Number(header.readBigUInt64BE(2));
}
