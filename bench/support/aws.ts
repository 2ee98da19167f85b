import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { startDatabase } from "../../local/database.ts";
import { answerError } from "../../local/http.ts";
import { readStack } from "../../local/template.ts";

// A database, a management endpoint that accepts every post and a Lambda that accepts every invocation, in a separate process so that their
// processor time is not measured. The argument is the cloud assembly.
const [assembly = ""] = process.argv.slice(2);
const { tables } = readStack(assembly);
const database = await startDatabase({ tables });
const isInvocation = ({ url = "" }: IncomingMessage) => url.includes("/functions/");
const server = createServer((request, response) => {
  if (request.headers["x-amz-target"] !== undefined)
    database.answer(request, response).catch((error: unknown) => answerError(response, error));
  else
    request.resume().on("end", () => response.writeHead(isInvocation(request) ? 202 : 200).end());
});
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () =>
  process.send?.({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tableName: tables[0]?.name,
  }),
);
process.once("disconnect", () => process.exit());
