import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { onlyIn, statements, templateWith } from "../support/template.ts";

const template = templateWith();
const only = onlyIn(template);

describe("the table", () => {
  test("is keyed by pk and sk, on demand, with TTL and point-in-time recovery", () => {
    template.hasResourceProperties("AWS::DynamoDB::Table", {
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      BillingMode: "PAY_PER_REQUEST",
      TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });

  test("has one sparse index for the sweep, of keys alone", () => {
    expect(only("AWS::DynamoDB::Table").GlobalSecondaryIndexes).toEqual([
      {
        IndexName: "byShard",
        KeySchema: [
          { AttributeName: "shard", KeyType: "HASH" },
          { AttributeName: "pk", KeyType: "RANGE" },
        ],
        Projection: { ProjectionType: "KEYS_ONLY" },
      },
    ]);
  });

  test("outlives the stack unless the deployment says otherwise", () => {
    template.hasResource("AWS::DynamoDB::Table", {
      DeletionPolicy: "RetainExceptOnCreate",
      UpdateReplacePolicy: "Retain",
    });
    templateWith({ deletionProtection: "false" }).hasResource("AWS::DynamoDB::Table", {
      DeletionPolicy: "Delete",
    });
  });
});

test("a first deployment that fails leaves nothing: no resource is kept, and none refuses to be deleted", () => {
  const resources = templateWith({ gatewayLogRole: "false", demo: "true" }).toJSON()
    .Resources as Record<string, Resource & { readonly DeletionPolicy?: string }>;

  for (const { DeletionPolicy = "Delete", Properties } of Object.values(resources)) {
    expect(["Delete", "RetainExceptOnCreate"]).toContain(DeletionPolicy);
    // DynamoDB would refuse CloudFormation, too, and the deployment could not even be rolled back.
    expect(Properties?.DeletionProtectionEnabled).toBeUndefined();
  }
});

test("the logs outlive the stack", () => {
  template.allResources("AWS::Logs::LogGroup", { DeletionPolicy: "RetainExceptOnCreate" });
});

test("no physical name is fixed, so that a region can hold two deployments", () => {
  const names = Object.values(template.toJSON().Resources as Record<string, Resource>).flatMap(
    ({ Properties }) =>
      ["FunctionName", "TableName", "RoleName", "LogGroupName", "BucketName"].filter(
        (name) => typeof Properties?.[name] === "string",
      ),
  );

  expect(names).toEqual([]);
});

describe("outputs", () => {
  const outputs = template.findOutputs("*");

  test("name the public URL and the exact client options", () => {
    expect(JSON.stringify(outputs.ClientUrl?.Value)).toContain("https://");
    expect(outputs.ClientOptions?.Value).toBe("{ auth: { token } }");
    expect(outputs.DirectOptions?.Value).toContain('path: "/live", addTrailingSlash: false');
  });

  test("name the secret where the stack made one, and no secret's value", () => {
    expect(outputs.TokenSecretArn).toBeDefined();
    expect(JSON.stringify(outputs)).not.toContain("resolve:secretsmanager");
  });
});

describe("verification of tokens", () => {
  const arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-AbCdEf";

  test("by a secret that exists makes no other", () => {
    const given = templateWith({ tokenSecretArn: arn });

    given.resourceCountIs("AWS::SecretsManager::Secret", 0);
    expect(JSON.stringify(statements(given))).toContain(arn);
  });

  test("by a secret with a customer's KMS key allow that key, through Secrets Manager alone", () => {
    const tokenSecretKeyArn = "arn:aws:kms:eu-west-1:123456789012:key/tokens";
    const integrationSecretKeyArn = "arn:aws:kms:eu-west-1:123456789012:key/integrations";
    const given = templateWith({ tokenSecretArn: arn, tokenSecretKeyArn, integrationSecretKeyArn });

    const decrypting = statements(given).filter(({ Action }) => Action === "kms:Decrypt");
    const readers = (key: string) =>
      decrypting
        .filter(({ Resource }) => Resource === key)
        .flatMap(({ roles }) => roles.map((role) => role.replace(/Role.*/, "")));
    expect(readers(tokenSecretKeyArn).toSorted()).toEqual(["Polling", "Socket"]);
    expect(readers(integrationSecretKeyArn).toSorted()).toEqual(["Polling", "Socket", "Webhook"]);
    expect(decrypting).toHaveLength(5);
    for (const { Condition } of decrypting)
      expect(Condition).toEqual({
        StringEquals: {
          "kms:ViaService": {
            "Fn::Join": ["", ["secretsmanager.", { Ref: "AWS::Region" }, ".amazonaws.com"]],
          },
        },
      });
  });

  test("by a JWKS needs no secret and no right to one", () => {
    const keys = templateWith({ tokenJwksUrl: "https://id.example.org/jwks", tokenIssuer: "me" });

    keys.resourceCountIs("AWS::SecretsManager::Secret", 0);
    const secrets = statements(keys).filter(({ Action }) => String(Action).includes("secret"));
    expect(JSON.stringify(secrets)).not.toContain("Tokens");
    keys.hasResourceProperties("AWS::Lambda::Function", {
      Environment: {
        Variables: { TOKEN_JWKS_URL: "https://id.example.org/jwks", TOKEN_ISSUER: "me" },
      },
    });
  });
});

describe("publications", () => {
  test("every entry but AWS's own invokes the publish function, and a queue keeps what cannot be delivered", () => {
    template.hasResourceProperties("AWS::Events::Rule", {
      EventPattern: { source: [{ "anything-but": { prefix: "aws." } }] },
      Targets: [
        Match.objectLike({
          Arn: { "Fn::GetAtt": [only("AWS::Lambda::Function", "Publish").id, "Arn"] },
          DeadLetterConfig: { Arn: { "Fn::GetAtt": [only("AWS::SQS::Queue").id, "Arn"] } },
        }),
      ],
    });
  });

  test("what the publish function fails on three times goes to the same queue", () => {
    template.hasResourceProperties("AWS::Lambda::EventInvokeConfig", {
      MaximumRetryAttempts: 2,
      DestinationConfig: {
        OnFailure: { Destination: { "Fn::GetAtt": [only("AWS::SQS::Queue").id, "Arn"] } },
      },
    });
  });
});

interface Resource {
  readonly Properties?: Readonly<Record<string, unknown>>;
}
