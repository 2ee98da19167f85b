/** What the bundles have in place of the SDK's cache of discovered endpoints: discovery is off, and the cache is large. */
export class EndpointCache {}
