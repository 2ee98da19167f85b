import { type IncomingHttpHeaders, type RequestOptions, request } from "node:http";

/** Tells it from other extensions in the same environment. */
const NAME = "serverless-socket-io";

/**
 * Registers this process as an extension of Lambda (Extensions API, 2020-01-01), which is possible only while it starts:
 * Lambda sends an answer as soon as it has it, and then waits for the environment's extensions, too, before it freezes
 * the process or gives it another event. What this returns is called once in each invocation, with the work that
 * Lambda is to wait for; nothing is returned outside of Lambda. Throws where Lambda refuses it.
 */
export async function registerExtension(
  host: string | undefined,
): Promise<((work: Promise<unknown>) => void) | undefined> {
  if (host === undefined) return undefined;
  const api = `http://${host}/2020-01-01/extension`;
  const named = { "lambda-extension-name": NAME };
  const events = JSON.stringify({ events: ["INVOKE"] });
  const { "lambda-extension-identifier": id = "" } = await ask(
    `${api}/register`,
    { method: "POST", headers: named },
    events,
  );
  let begin: (work: Promise<unknown>) => void = () => undefined;

  async function follow(): Promise<never> {
    for (;;) {
      // No invocation begins before the next event is asked for.
      const work = new Promise((resolve) => {
        begin = resolve;
      });
      await ask(`${api}/event/next`, { headers: { "lambda-extension-identifier": id } });
      await work;
    }
  }

  // It fails with the work, whose answer may have left, or where Lambda is gone: the process then ends.
  void follow();
  return (work) => begin(work);
}

/** Without a time-out, and by a connection of its own: the process may be frozen for hours meanwhile. */
function ask(url: string, options: RequestOptions, body?: string): Promise<IncomingHttpHeaders> {
  const { method = "GET" } = options;
  return new Promise((resolve, reject) => {
    request(url, { ...options, agent: false }, (response) => {
      const { statusCode, headers } = response;
      response.resume().on("error", reject);
      response.on("end", () =>
        statusCode === 200
          ? resolve(headers)
          : reject(new Error(`Lambda answered ${statusCode} to ${method} ${url}`)),
      );
    })
      .on("error", reject)
      .end(body);
  });
}
