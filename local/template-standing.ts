import { ofType, type Resources } from "./template-values.ts";

/** What a deployment pays for by the month, whether anybody uses it or not. */
export interface StandingDefinition {
  /** The metrics that alarms watch, each as often as it is watched. */
  readonly alarmMetrics: number;
  readonly dashboards: number;
  readonly secrets: number;
}

/** The resources of the template that are paid for by the month. */
export const standingOf = (resources: Resources): StandingDefinition => ({
  alarmMetrics: ofType(resources, "AWS::CloudWatch::Alarm")
    .map(([, { Properties }]) => watchedBy(Properties.Metrics))
    .reduce((sum, count) => sum + count, 0),
  dashboards: ofType(resources, "AWS::CloudWatch::Dashboard").length,
  secrets: ofType(resources, "AWS::SecretsManager::Secret").length,
});

/** An alarm on an expression lists the metrics of the expression; any other has one. */
const watchedBy = (metrics: unknown): number =>
  Array.isArray(metrics)
    ? metrics.filter((metric: { readonly MetricStat?: unknown }) => metric.MetricStat !== undefined)
        .length
    : 1;
