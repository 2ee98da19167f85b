import { createHash } from "node:crypto";
import { Hash } from "@smithy/core/serde";
import { SignatureV4 } from "@smithy/signature-v4";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createSigner, encodeSegment } from "../../lambdas/server/gateway/signature.ts";

const INPUTS = 5000;
const REGION = "eu-west-1";
const sign = createSigner("execute-api", REGION);

const anyId = fc.oneof(
  fc.base64String(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("a=", "!'()*", "%2F", "a b"),
);
const credentials = fc.record(
  {
    accessKeyId: fc.string({ minLength: 1, unit: fc.constantFrom(..."ABCDEFGHIJ23") }),
    secretAccessKey: fc.string({ minLength: 1 }),
    sessionToken: fc.base64String({ minLength: 4 }),
  },
  { requiredKeys: ["accessKeyId", "secretAccessKey"] },
);
const time = fc.date({
  min: new Date("2020-01-01"),
  max: new Date("2060-01-01"),
  noInvalidDate: true,
});

test(`signs as the SDK does, whatever path, payload, time and credentials (${INPUTS} inputs)`, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("POST", "DELETE"),
      fc.stringMatching(/^[a-z0-9-]{1,20}$/),
      anyId.filter((id) => id !== "." && id !== ".." && id !== ""),
      fc.string({ unit: "binary" }),
      credentials,
      time,
      async (method, stage, connectionId, body, signer, date) => {
        const host = "abc.execute-api.eu-west-1.amazonaws.com";
        const path = `/${stage}/@connections/${encodeSegment(connectionId)}`;
        const payloadHash = createHash("sha256").update(body).digest("hex");

        const contentType = "application/octet-stream";
        const signable = { method, contentType, host, path, payloadHash };

        const headers = sign(signable, signer, date.getTime());

        const theirs = await new SignatureV4({
          service: "execute-api",
          region: REGION,
          credentials: signer,
          sha256: Hash.bind(null, "sha256"),
          applyChecksum: false,
        }).sign(
          {
            ...{ method, protocol: "https:", hostname: host, path, body },
            headers: { host, "content-type": contentType },
          },
          { signingDate: date },
        );
        const { host: _, "content-type": __, ...expected } = theirs.headers;
        expect(Object.fromEntries(pairs(headers))).toEqual(expected);
      },
    ),
    { numRuns: INPUTS },
  );
});

test("credentials that are rotated sign with their own key", () => {
  const request = { method: "POST", contentType: "", host: "a", path: "/live", payloadHash: "" };
  const [one, two] = ["one", "two"].map((secretAccessKey) => ({
    accessKeyId: "A",
    secretAccessKey,
  }));
  if (one === undefined || two === undefined) throw new Error("there are two");

  const before = sign(request, one, 0);
  expect(sign(request, two, 0)).not.toEqual(before);
  expect(sign(request, one, 0)).toEqual(before);
});

function pairs(list: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let at = 0; at < list.length; at += 2) found.push([list[at] ?? "", list[at + 1] ?? ""]);
  return found;
}
