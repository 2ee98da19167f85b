import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import * as z from "zod";
import { AwsError, answerJson, jsonObjectIn, readBody, urlOf } from "./http.ts";

/** The extensions of one execution environment. */
export interface EnvironmentExtensions {
  /** Where they are served, as `AWS_LAMBDA_RUNTIME_API` has it. */
  readonly host: string;
  /** The function has been loaded: no other extension may register. */
  started(): void;
  /** Whether there are any. */
  exist(): boolean;
  /** Whether each of them has asked for the next event. */
  areIdle(): boolean;
  /** Resolves once they are idle. */
  idle(): Promise<void>;
  /** Gives each of them an invocation; to be called while they are idle. */
  invoke(event: InvokeEvent): void;
  ended(): void;
}

interface InvokeEvent {
  readonly requestId: string;
  /** Epoch milliseconds. */
  readonly deadlineMs: number;
}

/** Lambda's Extensions API, for extensions in the process of a function; an environment is known by its path. */
export interface Extensions {
  open(): EnvironmentExtensions;
  /** Answers a request of an extension; `undefined` if it is none. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<void> | undefined;
}

const PATH = /^\/environments\/(?<environment>[\w-]+)\/2020-01-01\/extension\/(?<call>[\w/]+)$/;

/** An extension outside of the function's process could also be told of the environment's end. */
const Registration = z.object({ events: z.array(z.literal("INVOKE")) });

const forbidden = (message: string) => new AwsError(403, "Extension.Forbidden", message);

/** Creates the API; `url` is where it is reached. */
export function createExtensions(url: string): Extensions {
  const environments = new Map<string, ReturnType<typeof createEnvironment>>();
  return {
    open() {
      const id = randomUUID();
      const environment = createEnvironment(`${new URL(url).host}/environments/${id}`, () =>
        environments.delete(id),
      );
      environments.set(id, environment);
      return environment.extensions;
    },
    answer(request, response) {
      const { environment = "", call = "" } = PATH.exec(urlOf(request).pathname)?.groups ?? {};
      return environments.get(environment)?.answer(call, request, response);
    },
  };
}

function createEnvironment(host: string, ended: () => void) {
  /** The unanswered question of each for its next event. */
  const asking = new Map<string, ServerResponse | undefined>();
  let isStarted = false;
  const waiting: (() => void)[] = [];

  const areIdle = () => [...asking.values()].every((response) => response !== undefined);

  async function register(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { success } = Registration.safeParse(jsonObjectIn(await readBody(request)));
    const { "lambda-extension-name": name } = request.headers;
    if (!success || name === undefined)
      throw new AwsError(400, "InvalidParameter", "it needs a name, and INVOKE events alone");
    if (isStarted) throw forbidden("the function has started: it is too late to register");
    const id = randomUUID();
    asking.set(id, undefined);
    response.setHeader("lambda-extension-identifier", id);
    answerJson(response, 200, {});
  }

  function next(request: IncomingMessage, response: ServerResponse): void {
    const id = String(request.headers["lambda-extension-identifier"]);
    if (!asking.has(id)) throw forbidden("no extension has this identifier");
    asking.set(id, response);
    if (areIdle()) for (const resolve of waiting.splice(0)) resolve();
  }

  const extensions: EnvironmentExtensions = {
    host,
    started() {
      isStarted = true;
    },
    exist: () => asking.size > 0,
    areIdle,
    idle: () => (areIdle() ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    invoke(event) {
      for (const [id, response] of asking) {
        asking.set(id, undefined);
        if (response) answerJson(response, 200, { eventType: "INVOKE", ...event });
      }
    },
    ended() {
      ended();
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
  return {
    extensions,
    async answer(call: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
      if (call === "register" && request.method === "POST") return register(request, response);
      if (call === "event/next" && request.method === "GET") return next(request, response);
      throw new AwsError(404, "NotFound", "Lambda's Extensions API has no such path");
    },
  };
}
