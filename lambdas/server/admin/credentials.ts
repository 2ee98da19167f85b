import { createHmac, timingSafeEqual } from "node:crypto";
import { compare } from "bcryptjs";
import * as z from "zod/mini";
import type { Secret } from "#server/store/secrets.ts";

/** Seconds for which a browser need not send the password again. */
const LIFETIME = 86_400;

/** What the secret of an Admin UI holds, as JSON: a user name, and the bcrypt hash of a password. */
const Credentials = z.object({
  username: z.string().check(z.minLength(1)),
  password: z.string().check(z.regex(/^\$2[aby]\$\d\d\$[./A-Za-z\d]{53}$/)),
});
type Credentials = z.infer<typeof Credentials>;

/** Who has been let in, until when (epoch seconds), and what a browser keeps to come again. */
export interface Admitted {
  readonly username: string;
  readonly expiresAt: number;
  readonly sessionId: string;
}

/** Checks who may watch; nothing where somebody may not. */
export function createCredentials(secret: Pick<Secret, "read">, now: () => number) {
  return {
    /** By name and password. */
    async login(username: unknown, password: unknown): Promise<Admitted | undefined> {
      const known = await read();
      // Compared whatever the name is: how long it takes tells nobody which names there are.
      const isRight = await compare(String(password), known.password);
      if (!isRight || username !== known.username) return undefined;
      return admitted(known, Math.floor(now() / 1000) + LIFETIME);
    },

    /** By what a browser was given: the time until when, and a signature of it by the hash of the password. */
    async resume(sessionId: string): Promise<Admitted | undefined> {
      const expiresAt = Number(/^(\d{1,12})\./.exec(sessionId)?.[1] ?? 0);
      if (expiresAt * 1000 <= now()) return undefined;
      const expected = admitted(await read(), expiresAt);
      return isSame(sessionId, expected.sessionId) ? expected : undefined;
    },
  };

  async function read(): Promise<Credentials> {
    const text = await secret.read();
    try {
      return Credentials.parse(JSON.parse(text));
    } catch {
      // Without the cause, which may quote the secret.
      throw new Error(
        'the secret of the Admin UI must be JSON: { "username": …, "password": a bcrypt hash }',
      );
    }
  }
}

function admitted({ username, password }: Credentials, expiresAt: number): Admitted {
  const signature = createHmac("sha256", password).update(`${username} ${expiresAt}`);
  return { username, expiresAt, sessionId: `${expiresAt}.${signature.digest("base64url")}` };
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
