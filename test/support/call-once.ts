// Makes one outgoing call in a separate process, because Node reads its extra certificates at start.
import { createHttpClient } from "../../lambdas/mudbase/http/guarded.ts";

const call = createHttpClient({
  resolve: async () => ["127.0.0.1"],
  allowsLocalhost: true,
  clock: () => 0,
});
const url = new URL(process.argv[2] ?? "");
console.log(JSON.stringify(await call({ method: "GET", url, headers: {}, timeoutMs: 5000 })));
