import { ROTATION } from "../../lambdas/server/model/rotation.ts";
import { PRICES } from "../../lib/prices.ts";
import type { StandingDefinition } from "../../local/template-standing.ts";
import { type Usage, usageOf } from "../../local/usage.ts";
import { HOURS } from "../support/prices.ts";

const MINUTES = HOURS * 60;
const MILLION = 1_000_000;
const GB = 1_000_000_000;

/** What is used by what a run counts. */
export interface Counted {
  /** A round of pings to all connections, and its minutes. */
  readonly pings: Usage;
  readonly pingMinutes: number;
  /** Each connection ended once by the heartbeat as one that grows too old, its client's return, and what is cleaned up later. */
  readonly rotation: Usage;
  /** What was sent in so many seconds, and the minutes that its connections were open. */
  readonly events: Usage;
  readonly seconds: number;
  /** What is paid whether anybody connects or not. */
  readonly standing: Standing;
}

/** What a deployment has for the whole month. */
export interface Standing extends StandingDefinition {
  /** Metrics that functions write. */
  readonly metrics: number;
  readonly schedules: number;
  /** Bytes in the table, and how many more there are for good after the events. */
  readonly storedBytes: number;
  readonly addedBytes: number;
}

/** Usage of a month: of staying connected, of what is sent, and of neither. */
export interface Month {
  readonly connections: Usage;
  readonly events: Usage;
}

/** One line of a bill. */
export interface Line {
  readonly name: string;
  /** In the unit that the price is for. */
  readonly quantity: number;
  readonly price: number;
  readonly dollars: number;
}

/** All that some usages have together. */
export const sumOf = (...usages: readonly Usage[]): Usage =>
  usageOf((name) => usages.reduce((sum, usage) => sum + usage[name], 0));

export const times = (usage: Usage, factor: number): Usage =>
  usageOf((name) => usage[name] * factor);

/** A month of what was counted: connections are pinged in each round, and rotated at an age between the two. */
export function monthOf({ pings, pingMinutes, rotation, events, seconds }: Counted): Month {
  const rotationMinutes = (ROTATION.minAge + ROTATION.maxAge) / 2 / 60_000;
  const sent = times(events, (MINUTES * 60) / seconds);
  const staying = sumOf(
    times(pings, MINUTES / pingMinutes),
    times(rotation, MINUTES / rotationMinutes),
  );
  // Rounds take longer or shorter than they do here: only what passes while events are sent is time.
  const { connectionMinutes } = sent;
  return {
    connections: { ...staying, connectionMinutes },
    events: { ...sent, connectionMinutes: 0 },
  };
}

/** What a price is for, and how many of it are used. */
type Item = readonly [name: string, price: keyof typeof PRICES, quantity: (usage: Usage) => number];

const million = (name: keyof Usage) => (usage: Usage) => usage[name] / MILLION;
const gigabytes = (name: keyof Usage) => (usage: Usage) => usage[name] / GB;

/** What is billed by use; the names say what one of the quantity is. */
const USED: readonly Item[] = [
  ["API Gateway: a million messages of 32 KB", "message", million("messages")],
  ["API Gateway: a million connection minutes", "connectionMinute", million("connectionMinutes")],
  ["API Gateway: a million requests of HTTP APIs", "httpRequest", million("httpRequests")],
  ["Lambda: a million invocations", "invocation", million("invocations")],
  ["Lambda: a GB-second", "gigabyteSecond", (usage) => usage.gigabyteSeconds],
  ["DynamoDB: a million write units", "writeUnit", million("writeUnits")],
  ["DynamoDB: a million read units", "readUnit", million("readUnits")],
  ["CloudFront: a million requests", "edgeRequest", million("edgeRequests")],
  ["CloudFront: a million runs of its function", "edgeFunction", million("edgeRequests")],
  ["CloudFront: a GB to clients", "edgeGigabyteOut", gigabytes("edgeBytesOut")],
  ["CloudFront: a GB to the API", "edgeGigabyteIn", gigabytes("edgeBytesIn")],
  ["CloudWatch: a GB of logs", "logGigabyte", gigabytes("logBytes")],
  ["EventBridge: a million events", "busEvent", million("busEvents")],
];

/** The lines of some usage. */
const linesOfUsage = (usage: Usage): readonly Line[] =>
  USED.map(([name, price, quantityOf]) => line(name, price, quantityOf(usage)));

/** Lines of what is paid whether anybody connects or not; of what is added, half is stored on average. */
function linesOfStanding({ standing, seconds }: Counted): readonly Line[] {
  const added = (standing.addedBytes * MINUTES * 60) / seconds;
  const stored = (standing.storedBytes + added / 2) / GB;
  return [
    line("DynamoDB: a GB stored", "storedGigabyte", stored),
    line("DynamoDB: a GB in the continuous backup", "backedUpGigabyte", stored),
    line("CloudWatch: a metric", "metric", standing.metrics),
    line("CloudWatch: a metric of an alarm", "alarmMetric", standing.alarmMetrics),
    line("CloudWatch: a dashboard", "dashboard", standing.dashboards),
    line(
      "EventBridge Scheduler: a million invocations",
      "scheduled",
      (standing.schedules * MINUTES) / MILLION,
    ),
    line("Secrets Manager: a secret", "secret", standing.secrets),
  ];
}

function line(name: string, price: keyof typeof PRICES, quantity: number): Line {
  return { name, quantity, price: PRICES[price], dollars: quantity * PRICES[price] };
}

export const dollarsOf = (lines: readonly Line[]): number =>
  lines.reduce((sum, { dollars }) => sum + dollars, 0);

/** A month's bill: what is used for staying connected, and for what is sent, and what is paid in any case. */
export function billOf(counted: Counted) {
  const { connections, events } = monthOf(counted);
  const standing = linesOfStanding(counted);
  return {
    lines: [...linesOfUsage(sumOf(connections, events)), ...standing].filter(
      ({ quantity }) => quantity > 0,
    ),
    connections: dollarsOf(linesOfUsage(connections)),
    events: dollarsOf(linesOfUsage(events)),
    standing: dollarsOf(standing),
  };
}

/** Dollars for some usage alone. */
export const dollarsFor = (usage: Usage): number => dollarsOf(linesOfUsage(usage));
