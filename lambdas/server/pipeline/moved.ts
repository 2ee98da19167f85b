import type { Links } from "#server/engine/transports/links.ts";
import type { Upgrades } from "#server/model/polling.ts";
import type { Listing, Recipients } from "./audience.ts";
import { forEach } from "./for-each.ts";

/** Where clients may have upgraded: what a function knows of that, and what is noted of it. */
export interface UpgradeParts {
  readonly links: Links;
  readonly stored: Pick<Upgrades, "noteMembers">;
}

/** Learns from what rooms list by which links its members are reached. */
export function learnLinks(recipients: Recipients, upgrades: UpgradeParts | undefined): void {
  if (upgrades === undefined) return;
  for (const { connectionId, link } of recipients.polling())
    upgrades.links.upgraded(connectionId, link);
}

/** Has rooms list the links of members that turned out to have upgraded, so that each is looked for once. */
export async function noteMoved(
  recipients: Recipients,
  upgrades: UpgradeParts | undefined,
): Promise<void> {
  if (upgrades === undefined) return;
  const moved = new Map<string, Listing[]>();
  for (const { connectionId, link, ...listing } of recipients.polling()) {
    const found = link === undefined ? upgrades.links.linkOf(connectionId) : undefined;
    if (found !== undefined) moved.set(found, [...(moved.get(found) ?? []), listing]);
  }
  await forEach(moved, (link, members) => upgrades.stored.noteMembers(members, link));
}
