import { expect } from "vitest";
import type { LocalStack } from "../../local/stack.ts";
import { newOrg, tokenFor } from "./people.ts";
import { later, type RawSession, type Returning, rawSession, returning } from "./returning.ts";

const garden = { room: "garden" };

/** Tests whose plain client hears numbered news in a custom room, the garden. */
export function gardening(stack: LocalStack) {
  const connect = (auth: object) => rawSession(stack, auth);
  const say = (someone: Returning, n: number) =>
    someone.emit("custom:broadcast", {
      projectId: "p1",
      ...{ ...garden, event: "news", payload: { n } },
    });

  return {
    connect,
    say,

    /** What a plain client has received and not read, without offsets. */
    async rest(session: RawSession): Promise<readonly (readonly unknown[])[]> {
      await stack.idle();
      const events = await session.ask("presence:update");
      return events.map((event) => event.slice(0, -1));
    },

    /** Ann, a plain client that joined after news 0 and has heard news 1, and ben, who tells them. */
    async gardeners() {
      const org = newOrg();
      const token = await tokenFor({ org });
      const ben = await returning(stack, { org, sub: "ben" });
      await say(ben, 0);
      await later();
      const ann = await connect({ token });
      await ann.ask("custom:join", garden);
      await say(ben, 1);
      const offset = String((await ann.nextEvent("custom:news")).at(-1));
      return { org, token, ben, ann, offset, auth: { token, pid: ann.answer.pid, offset } };
    },
  };
}

/** The news of this number, as it is heard. */
export const news = (n: number): readonly unknown[] => [
  "custom:news",
  expect.objectContaining({ n }),
];
