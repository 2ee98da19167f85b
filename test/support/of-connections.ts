/** The partitions of whatever belongs to connections and must go with them. */
export const OF_CONNECTIONS = /^(conn|room|online|query|slots)#/;
