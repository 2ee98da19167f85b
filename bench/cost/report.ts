import { PRICES_DATE } from "../../lib/prices.ts";
import { HOURS, PEERS, type Traffic } from "../support/prices.ts";
import { billOf, dollarsFor, dollarsOf } from "./bill.ts";
import type { Run } from "./run.ts";
import { type Scene, scriptOf } from "./scenes.ts";

/** A run's bill, in Markdown. */
export function reportOf(scene: Scene, run: Run): string {
  const { lines, ...parts } = billOf(run);
  const total = dollarsOf(lines);
  const { description, sender } = scriptOf(scene.name);
  const traffic = trafficOf(scene, run, sender === "receives");
  return [
    `A month (${HOURS} hours) of ${description}: ${number(scene.users)} users all of the time, rooms of ${number(Math.min(scene.room, scene.users))}, ${scene.messagesPerMinute} a minute of each user. List prices of us-east-1, ${PRICES_DATE} (lib/prices.ts), first tier and no free tier.`,
    table(
      ["", "A month", "Price", "Dollars"],
      [
        ...lines.map(({ name, quantity, price, dollars }) => [
          name,
          number(quantity),
          `${price}`,
          dollars.toFixed(2),
        ]),
        ["together", "", "", total.toFixed(2)],
      ],
    ),
    table(
      ["Of this for", "Dollars"],
      [
        [
          "staying connected: minutes, pings, and rotation after 95 to 115 minutes",
          parts.connections,
        ],
        ["what is sent", parts.events],
        ["what is paid in any case, and storage", parts.standing],
      ].map(([what, dollars]) => [`${what}`, Number(dollars).toFixed(2)]),
    ),
    table(
      ["The same elsewhere", "Dollars"],
      PEERS.map((peer) => [peer.name, peer.month(traffic).toFixed(2)]),
    ),
    `A million users who connect for the first time and join cost ${(dollarsFor({ ...run.connecting, connectionMinutes: 0 }) * (1_000_000 / scene.users)).toFixed(2)} dollars.`,
    `Counted: ${number(run.sent)} sent in ${run.seconds} s and ${number(run.received)} received, of ${number(run.due)} that were due; a round of pings to all; a rotation of all connections, with their return and what is cleaned up later. Estimated: GB-seconds, because they are the time that functions took on this machine; logs, because functions write their metrics once a minute, however many they are.`,
  ].join("\n\n");
}

/** What other services would have to carry: whoever sends has no copy there. */
function trafficOf({ users, room }: Scene, run: Run, senderReceives: boolean): Traffic {
  const millions = (HOURS * 3600) / run.seconds / 1_000_000;
  const copies = run.due - (senderReceives ? run.sent : 0);
  return {
    published: run.sent * millions,
    received: copies * millions,
    connections: users,
    channels: Math.ceil(users / room),
  };
}

const number = (value: number): string =>
  value.toLocaleString("en", {
    maximumSignificantDigits: Math.max(4, `${Math.round(value)}`.length),
  });

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}
