import { expect, test } from "vitest";
import { createEmitBuffer, serializer } from "../../lambdas/server/socket/emit-buffer.ts";

const ann = { connectionId: "c", nsp: "/" };

test("an event that has a callback is refused, because nobody would call it", () => {
  const buffer = createEmitBuffer((frame) => `4${frame}`, serializer());
  const callback = () => undefined;

  expect(() => buffer.emit(ann, "news", [1, callback])).toThrow(/"news" has a callback/);
  expect(() => buffer.ask(ann, 1, "news", [callback])).toThrow(/emitWithAck/);
  expect(buffer.emissions).toEqual([]);
});
