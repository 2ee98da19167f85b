import { isIP } from "node:net";

/**
 * Says why an address may not be called, or nothing if it is a public one. Everything that is not
 * plain unicast is refused: private, loopback, link-local (metadata), multicast, reserved; a mapped
 * IPv4 address is judged as what it is. Of IPv6, only 2000::/3 is given out to the public at all.
 */
export async function addressFault(address: string): Promise<string | undefined> {
  // Only integrations need it: loaded when the first one is called.
  const { default: ipaddr } = await import("ipaddr.js");
  if (isIP(address) === 0 || address.includes("%")) return "is not an IP address";
  const parsed = ipaddr.process(canonical(address));
  const range = parsed.range();
  if (range !== "unicast") return `is ${range}`;
  const isGlobal = parsed.kind() === "ipv4" || parsed.match(ipaddr.parse("2000::"), 3);
  return isGlobal ? undefined : "is not global";
}

/** In hexadecimal: `ipaddr.js` takes `::8.8.8.8` for `::ffff:8.8.8.8`, which is another address. */
const canonical = (address: string): string =>
  isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
