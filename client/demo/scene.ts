/** Whom the demo's users share an organisation with: nobody but each other. */
export const ORG = "serverless-socket-io-demo";

export const USERS = ["ann", "ben", "eve"] as const;

/** Where the demo takes place. */
export const PROJECT = { projectId: "p1" };
export const LOBBY = { ...PROJECT, chatId: "lobby" };
export const ROWS = { ...PROJECT, collectionId: "rows" };
