/** When these prices were looked up last. */
export const PRICES_DATE = "2026-11-26";

/** List prices in dollars, us-east-1, first tier and no free tier; a million of each unless said otherwise. */
export const PRICES = {
  /** API Gateway: frames in and out of 32 KB each, connections, and requests of HTTP APIs of 512 KB each. */
  message: 1,
  connectionMinute: 0.25,
  httpRequest: 1,
  /** Lambda on ARM64; one GB-second. */
  invocation: 0.2,
  gigabyteSecond: 0.0000133334,
  /** DynamoDB on demand; one GB for a month, of the table and of its continuous backup. */
  readUnit: 0.125,
  writeUnit: 0.625,
  storedGigabyte: 0.25,
  backedUpGigabyte: 0.2,
  /** CloudFront in Europe and North America: HTTPS requests, runs of its functions; one GB to viewers and to origins. */
  edgeRequest: 1,
  edgeFunction: 0.1,
  edgeGigabyteOut: 0.085,
  edgeGigabyteIn: 0.02,
  /** CloudWatch: one GB of logs; one metric, one metric of an alarm and one dashboard for a month. */
  logGigabyte: 0.5,
  metric: 0.3,
  alarmMetric: 0.1,
  dashboard: 3,
  /** EventBridge: events of 64 KB each, and invocations by the scheduler. */
  busEvent: 1,
  scheduled: 1,
  /** Secrets Manager: one secret for a month. */
  secret: 0.4,
} as const;
