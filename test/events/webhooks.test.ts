import { createHmac } from "node:crypto";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { Integration } from "../../lambdas/mudbase/model/integration.ts";
import { createWebhooks } from "../../lambdas/mudbase/webhooks.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");
const [OLD, NEW] = [base64("the old secret of webhooks"), base64("the new secret of webhooks")];
const body = Buffer.from("{}");

/** Webhooks of a shop whose secret is OLD in memory, and in truth what a look finds, if anything. */
function webhooksOf(scheme: "standard" | "hmac-sha256", found: () => Promise<string | undefined>) {
  let looks = 0;
  const shop = Integration.parse({
    ...{ projectId: "p1", integrationId: "shop", name: "Shop", baseUrl: "https://shop.example" },
    endpoints: {},
    webhook: {
      ...{ scheme, signatureHeader: "x-signature" },
      secretArn: "arn:aws:secretsmanager:us-east-1:000000000000:secret:shop",
    },
  });
  const receive = createWebhooks({
    registry: { webhookOwner: async () => "acme", find: async () => shop } as never,
    idempotency: {
      run: async (_kind, _ids, work) => ({
        status: "done",
        result: await work(async () => undefined),
      }),
    },
    publish: async () => ({}),
    secret: () => ({
      read: async () => OLD,
      refresh() {
        looks += 1;
        return found();
      },
    }),
    now: Date.now,
  });
  return {
    looks: () => looks,
    deliver: async (headers: Record<string, string>) =>
      (await receive({ projectId: "p1", integrationId: "shop", headers, body })).status,
  };
}

const signing = {
  standard(secret: string) {
    const at = new Date();
    return {
      "webhook-id": "m1",
      "webhook-timestamp": `${Math.floor(at.getTime() / 1000)}`,
      "webhook-signature": new StandardWebhook(secret).sign("m1", at, body.toString()),
    };
  },
  "hmac-sha256": (secret: string) => ({
    "x-signature": createHmac("sha256", secret).update(body).digest("hex"),
  }),
};

test.each(["standard", "hmac-sha256"] as const)(
  "a delivery (%s) that is signed with a rotated secret is verified after one look",
  async (scheme) => {
    const { deliver, looks } = webhooksOf(scheme, async () => NEW);

    expect(await deliver(signing[scheme](OLD))).toBe(202);
    expect(looks()).toBe(0);
    expect(await deliver(signing[scheme](NEW))).toBe(202);
    expect(await deliver(signing[scheme](base64("somebody else's secret")))).toBe(401);
    expect(looks()).toBe(2);
  },
);

test("where nobody can find out whether the secret was rotated, the sender is to come again", async () => {
  const { deliver } = webhooksOf("hmac-sha256", () => Promise.reject(new Error("unavailable")));

  await expect(deliver(signing["hmac-sha256"](NEW))).rejects.toThrow("unavailable");
});
