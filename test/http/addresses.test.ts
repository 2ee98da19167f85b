import { describe, expect, test } from "vitest";
import { addressFault } from "../../lambdas/mudbase/http/addresses.ts";

const REFUSED = {
  "this network": ["0.0.0.0", "0.1.2.3", "::"],
  loopback: ["127.0.0.1", "127.255.255.254", "::1"],
  private: ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd00:ec2::254"],
  "carrier-grade NAT": ["100.64.0.1", "100.127.255.255"],
  "link-local, metadata included": ["169.254.169.254", "fe80::1", "febf::1", "fe80::1%eth0"],
  "site-local": ["fec0::1", "feff::1"],
  "protocol assignments": ["192.0.0.1", "192.0.0.8", "192.0.0.170", "2001::1", "2001:1ff::1"],
  documentation: ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
  benchmarking: ["198.18.0.1", "198.19.255.255", "2001:2::1"],
  "anycast of relays, AMT, AS112": ["192.88.99.1", "192.52.193.1", "192.31.196.1", "192.175.48.1"],
  "reserved and broadcast": ["240.0.0.1", "254.1.1.1", "255.255.255.255"],
  multicast: ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
  "IPv4 mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe"],
  "IPv4 translated": ["::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8"],
  "IPv4 compatible": ["::127.0.0.1", "::7f00:1", "::a9fe:a9fe", "::8.8.8.8"],
  NAT64: ["64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::a9fe:a9fe"],
  "6to4": ["2002:7f00:1::", "2002:a00:1::", "2002:808:808::"],
  Teredo: ["2001:0:4136:e378::", "2001::ffff:ffff"],
  "ORCHID and its second version": ["2001:10::1", "2001:20::1"],
  "discard-only and dummy": ["100::1", "100:0:0:1::1"],
  "segment routing": ["5f00::1"],
  "outside 2000::/3": ["1::1", "200::1", "1fff::1", "4000::1", "8000::1", "e000::1", "f000::1"],
  "no address": ["", "localhost", "256.1.1.1", "1.2.3", "::g", "10.0.0.1:80"],
};

describe.each(Object.entries(REFUSED))("%s", (_, addresses) => {
  test.each(addresses)("%s may not be called", async (address) => {
    expect(await addressFault(address)).toBeDefined();
  });
});

test.each([
  ...["8.8.8.8", "1.1.1.1", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.32.0.1"],
  ...["223.255.255.254", "2606:4700::1111", "2a00:1450:4001::1", "2620:0:2d0:200::7"],
  "::ffff:8.8.8.8",
])("%s is public", async (address) => {
  expect(await addressFault(address)).toBeUndefined();
});
