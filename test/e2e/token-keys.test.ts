import { afterAll, expect, inject, test } from "vitest";
import { type LocalStack, startStack } from "../../local/stack.ts";
import { readStack } from "../../local/template.ts";
import { client, newOrg, tokenFor } from "../support/people.ts";
import { SECRET } from "../support/running.ts";

const assembly = inject("assembly");
const secrets: Record<string, string> = {};
const stack: LocalStack = await startStack({
  ...{ assembly, secrets, port: 0, secret: "", schedules: false },
  log: () => undefined,
});
afterAll(() => stack.stop());

test("a client whose token cannot be verified is disconnected without an answer, and reconnects by itself once it can", async () => {
  const [socketFunction] = readStack(assembly).functions;
  const arn = socketFunction?.environment.TOKEN_SECRET_ARN ?? "";
  const errors: string[] = [];
  const ann = client(
    {
      auth: { token: await tokenFor({ org: newOrg() }) },
      ...{ reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 20 },
    },
    stack.url,
  );
  ann.on("connect_error", ({ message }) => void errors.push(message));
  const connected = new Promise<void>((resolve) => ann.once("connect", resolve));

  await new Promise<void>((resolve) => ann.io.once("close", () => resolve()));
  secrets[arn] = SECRET;
  await connected;

  expect(errors).not.toContain("Authentication error");
});
