import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import type { Settings } from "./config.ts";
import { allowSecretKey } from "./secret-key.ts";

export type TokenVerificationProps = Pick<
  Settings,
  "tokenSecretArn" | "tokenSecretKeyArn" | "tokenJwksUrl" | "tokenIssuer" | "tokenAudience"
>;

/** What verifies tokens: a JWKS, a secret that exists, or else a new secret. */
export class TokenVerification extends Construct {
  /** ARN of the secret; none with a JWKS. */
  readonly secretArn: string | undefined;
  readonly #props: TokenVerificationProps;

  constructor(scope: Construct, id: string, props: TokenVerificationProps) {
    super(scope, id);
    this.#props = props;

    if (props.tokenJwksUrl === undefined)
      this.secretArn = props.tokenSecretArn ?? this.#newSecret();
  }

  /** Lets a function verify tokens: gives it the right and the environment. */
  allowVerifying(verifier: LambdaFunction): void {
    const { tokenSecretKeyArn, tokenJwksUrl, tokenIssuer, tokenAudience } = this.#props;
    if (this.secretArn !== undefined)
      verifier.addToRolePolicy(
        new PolicyStatement({
          actions: ["secretsmanager:GetSecretValue"],
          resources: [this.secretArn],
        }),
      );
    if (tokenSecretKeyArn !== undefined) allowSecretKey(verifier, tokenSecretKeyArn);
    const variables = {
      TOKEN_SECRET_ARN: this.secretArn,
      TOKEN_JWKS_URL: tokenJwksUrl,
      TOKEN_ISSUER: tokenIssuer,
      TOKEN_AUDIENCE: tokenAudience,
    };
    for (const [name, value] of Object.entries(variables))
      if (value !== undefined) verifier.addEnvironment(name, value);
  }

  #newSecret(): string {
    return new Secret(this, "Secret", {
      description: "Signs and verifies the HS256 tokens of Socket.IO clients",
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
    }).secretArn;
  }
}
