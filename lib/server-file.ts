import { fileURLToPath } from "node:url";

/** In this package's `.ts` and in its built `.js` alike. */
const [EXTENSION = ""] = /\.\w+$/.exec(import.meta.url) ?? [];

/** The path of a module of the server, e.g. of `functions/socket`, wherever this package is installed. */
export const serverFile = (module: string): string =>
  fileURLToPath(new URL(`../lambdas/server/${module}${EXTENSION}`, import.meta.url));
