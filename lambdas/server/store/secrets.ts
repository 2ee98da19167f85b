import {
  GetSecretValueCommand,
  SecretsManagerClient,
  type SecretsManagerClientConfig,
} from "@aws-sdk/client-secrets-manager";

/** Milliseconds a secret is served without looking again. */
const FRESH = 300_000;

/** Milliseconds between two looks that refusals may cause. */
const COOLDOWN = 10_000;

/** A secret as it is now, and a way to find out that it has been rotated. */
export interface Secret {
  read(): Promise<string>;
  /** The secret after a rotation; nothing where it is still the one `read` gives, or was looked up just now. */
  refresh(): Promise<string | undefined>;
}

export interface SecretParts {
  /** Makes the client when a secret is first asked for: making it takes part of a cold start. */
  readonly client: () => SecretsManagerClient;
  readonly arn: string;
  readonly now: () => number;
}

/** A secret string of Secrets Manager, kept in the function's memory. */
export function createSecret({ client, arn, now }: SecretParts): Secret {
  let known: { readonly value: string; readonly at: number } | undefined;
  let look: { readonly at: number; readonly found: Promise<string> } | undefined;

  async function ask(): Promise<string> {
    const { SecretString } = await client().send(new GetSecretValueCommand({ SecretId: arn }));
    if (!SecretString) throw new Error(`the secret ${arn} has no string value`);
    return SecretString;
  }

  async function fetch(): Promise<string> {
    look = { at: now(), found: ask() };
    const value = await look.found;
    known = { value, at: now() };
    return value;
  }

  return {
    read: async () => (known && now() - known.at < FRESH ? known.value : fetch()),
    async refresh() {
      if (look && now() - look.at < COOLDOWN) {
        // Where that look failed, nobody knows yet whether there is another secret.
        await look.found;
        return undefined;
      }
      const before = known?.value;
      const value = await fetch();
      return value === before ? undefined : value;
    },
  };
}

/** The secrets that a function has asked for, each kept in its memory once. */
export function createSecretReader(
  now: () => number,
  options: SecretsManagerClientConfig,
): (arn: string) => Secret {
  let made: SecretsManagerClient | undefined;
  const client = () => {
    made ??= new SecretsManagerClient(options);
    return made;
  };
  const known = new Map<string, Secret>();
  return (arn) => {
    const secret = known.get(arn) ?? createSecret({ client, now, arn });
    known.set(arn, secret);
    return secret;
  };
}
