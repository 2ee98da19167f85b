import { expect, test } from "vitest";
import { createHandshake } from "../../lambdas/server/pipeline/handshake.ts";

test("a refused handshake is logged with its origin, but not with all that a stranger may send as one", () => {
  const lines: object[] = [];
  const { isAdmitted } = createHandshake({
    runtime: {
      allowedOrigins: ["https://app.example.org"],
      telemetry: { note: (_: string, details: object) => lines.push(details) },
    },
  } as unknown as Parameters<typeof createHandshake>[0]);
  const refused = (origin: string) => isAdmitted({ connectionId: "c", headers: { origin } });

  expect([refused("https://other.example.org"), refused("x".repeat(10_000))]).toEqual([
    false,
    false,
  ]);
  expect(lines).toMatchObject([
    { origin: "https://other.example.org" },
    { origin: "x".repeat(128) },
  ]);
});
