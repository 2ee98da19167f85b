import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { randomFrom } from "../../local/random.ts";
import { createSchedules, minutesBetween } from "../../local/schedules.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Runs a schedule for an hour; returns the minute and the delay of each invocation. */
function runHour(jitter: () => number) {
  const invocations: { readonly minute: number; readonly delay: number }[] = [];
  const { start, stop } = createSchedules({
    now: Date.now,
    schedules: [
      { functionName: "Heartbeat", input: { scheduledTime: "<aws.scheduler.scheduled-time>" } },
    ],
    invoke(functionName, input) {
      const { scheduledTime } = input as { readonly scheduledTime: string };
      expect(functionName).toBe("Heartbeat");
      expect(scheduledTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:00Z$/);
      const time = Date.parse(scheduledTime);
      invocations.push({ minute: time / MINUTE, delay: Date.now() - time });
    },
    jitter,
  });
  start();
  // The invocations of the last minute come in the next.
  vi.advanceTimersByTime(HOUR + MINUTE);
  stop();
  const count = invocations.length;
  vi.advanceTimersByTime(HOUR);
  expect(invocations).toHaveLength(count);
  return invocations.slice(0, 60);
}

test("a schedule runs every minute, with its scheduled time", () => {
  const invocations = runHour(() => 0);

  expect(invocations).toHaveLength(60);
  for (const [index, { minute, delay }] of invocations.entries()) {
    expect(minute).toBe((invocations[0]?.minute ?? 0) + index);
    // A timer takes at least a millisecond.
    expect(delay).toBeLessThanOrEqual(1);
  }
});

test("with jitter it runs up to a minute late, as EventBridge Scheduler may, and skips no minute", () => {
  const invocations = runHour(randomFrom(1));

  expect(new Set(invocations.map(({ minute }) => minute)).size).toBe(60);
  const delays = invocations.map(({ delay }) => delay);
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...delays)).toBeGreaterThan(MINUTE / 2);
  expect(Math.max(...delays)).toBeLessThan(MINUTE);
});

test("the full minutes between two times are those after the first, up to the second", () => {
  expect([...minutesBetween(0, 2 * MINUTE)]).toEqual([MINUTE, 2 * MINUTE]);
  expect([...minutesBetween(1, MINUTE - 1)]).toEqual([]);
});
