declare module "dynalite" {
  import type { Server } from "node:http";

  /** A DynamoDB server on LevelDB: in memory, or in the folder `path`. */
  export default function dynalite(options?: {
    readonly path?: string;
    readonly createTableMs?: number;
    readonly maxItemSizeKb?: number;
  }): Server;
}
