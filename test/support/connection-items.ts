/** Partition keys of the items that must be deleted with their connection. */
export const CONNECTION_ITEM = /^(conn|sess|room|online|query|slots)#/;
