/**
 * Says why an address may not be called, or nothing if it is a public one. Everything that is not
 * plain unicast is refused: private, loopback, link-local (metadata), multicast, reserved; an IPv4
 * address inside IPv6 is judged as what it is.
 */
export async function addressFault(address: string): Promise<string | undefined> {
  // Only integrations need it: loaded when the first one is called.
  const { default: ipaddr } = await import("ipaddr.js");
  if (!ipaddr.isValid(address)) return "is not an IP address";
  const range = ipaddr.process(address).range();
  return range === "unicast" ? undefined : `is ${range}`;
}
