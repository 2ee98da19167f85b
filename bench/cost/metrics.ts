/** Collects the metrics that functions log in CloudWatch's embedded format: each is billed by its name and dimensions. */
export function createMetrics() {
  const seen = new Set<string>();
  return {
    get count() {
      return seen.size;
    },

    read(text: string): void {
      for (const line of text.split("\n"))
        if (line.includes('"CloudWatchMetrics"'))
          for (const metric of metricsIn(JSON.parse(line) as Line)) seen.add(metric);
    },
  };
}

/** A line of a function's log with metrics. */
interface Line {
  readonly [dimension: string]: unknown;
  readonly _aws: {
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string }[];
    }[];
  };
}

const metricsIn = (line: Line): readonly string[] =>
  line._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
    Dimensions.flatMap((names) =>
      Metrics.map(({ Name }) =>
        JSON.stringify([Namespace, Name, names.map((name) => [name, line[name]])]),
      ),
    ),
  );
