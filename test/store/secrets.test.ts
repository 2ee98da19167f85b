import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, expect, test } from "vitest";
import { createSecret } from "../../lambdas/server/store/secrets.ts";

const manager = mockClient(SecretsManagerClient);
let now = 0;
const newSecret = () =>
  createSecret({
    client: () => new SecretsManagerClient({ region: "us-east-1" }),
    arn: "arn:the-secret",
    now: () => now,
  });
const looks = () => manager.commandCalls(GetSecretValueCommand).length;

beforeEach(() => {
  manager.reset();
  manager
    .on(GetSecretValueCommand, { SecretId: "arn:the-secret" })
    .resolves({ SecretString: "one" });
  now = 0;
});

test("a secret is fetched once and served from memory for five minutes", async () => {
  const secret = newSecret();

  expect([await secret.read(), await secret.read()]).toEqual(["one", "one"]);
  expect(looks()).toBe(1);
  now += 300_000;
  await secret.read();

  expect(looks()).toBe(2);
});

test("a refresh finds a rotated secret, which is served from then on", async () => {
  const secret = newSecret();
  await secret.read();
  manager.on(GetSecretValueCommand).resolves({ SecretString: "two" });
  now += 10_000;

  expect(await secret.refresh()).toBe("two");
  expect(await secret.read()).toBe("two");
});

test("a refresh gives nothing where nothing was rotated, and looks at most once in ten seconds", async () => {
  const secret = newSecret();
  await secret.read();
  now += 10_000;

  expect(await secret.refresh()).toBeUndefined();
  expect(await secret.refresh()).toBeUndefined();
  expect(looks()).toBe(2);
});

test("a refresh that fails fails for ten seconds, without another look: nobody knows", async () => {
  const secret = newSecret();
  await secret.read();
  manager.on(GetSecretValueCommand).rejects(new Error("unavailable"));
  now += 10_000;

  await expect(secret.refresh()).rejects.toThrow("unavailable");
  now += 9_999;
  await expect(secret.refresh()).rejects.toThrow("unavailable");
  expect(looks()).toBe(2);
  manager.on(GetSecretValueCommand).resolves({ SecretString: "two" });
  now += 1;

  expect(await secret.refresh()).toBe("two");
});

test("a secret without a string is an error that names it", async () => {
  manager.on(GetSecretValueCommand).resolves({});

  await expect(newSecret().read()).rejects.toThrow("arn:the-secret");
});
