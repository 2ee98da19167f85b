/** The organisation of the demo's users, which no application uses. */
export const ORG = "serverless-socket-io-demo";

export const USERS = ["ann", "ben"] as const;

/** The project, chat and collection of the demo. */
export const PROJECT = { projectId: "p1" };
export const LOBBY = { ...PROJECT, chatId: "lobby" };
export const ROWS = { ...PROJECT, collectionId: "rows" };
