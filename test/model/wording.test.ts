import { expect, test } from "vitest";
import * as z from "zod/mini";
import { wordingOf } from "../../lambdas/server/model/wording.ts";

test.each([
  [z.unknown(), "is missing"],
  [z.string(), "must be string"],
  [z.number().check(z.maximum(5)), "must be number"],
  [z.enum(["api", "websocket"]), "must be one of api, websocket"],
])("a field that is missing is told in plain words", (field, message) => {
  const { error } = z.object({ field }).safeParse({}, { error: wordingOf });

  expect(error?.issues.map((issue) => issue.message)).toEqual([message]);
});
