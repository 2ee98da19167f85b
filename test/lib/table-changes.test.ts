import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { AttributeType, StreamViewType, Table } from "aws-cdk-lib/aws-dynamodb";
import { describe, expect, test } from "vitest";
import { readSettings } from "../../lib/config.ts";
import { MudbaseStack } from "../../lib/mudbase-stack.ts";
import { TableChanges, type TableChangesProps } from "../../lib/table-changes.ts";
import { statements } from "../support/template.ts";

function customerStack(more: Partial<TableChangesProps> = {}, stream = true): Template {
  const app = new App({ context: { "aws:cdk:bundling-stacks": [] } });
  const { server } = new MudbaseStack(app, "Mudbase", readSettings({}));
  const customer = new Stack(app, "Customer");
  const source = new Table(customer, "Orders", {
    partitionKey: { name: "orderId", type: AttributeType.STRING },
    ...(stream && { stream: StreamViewType.NEW_AND_OLD_IMAGES }),
  });
  const props = { source, server, org: "acme", projectId: "p1", collectionId: "orders" };
  new TableChanges(customer, "OrderChanges", { ...props, idAttribute: "orderId", ...more });
  return Template.fromStack(customer);
}

// Outside of a test, because the first synthesis loads the CDK.
const byDefault = customerStack();

describe("TableChanges", () => {
  test("maps the table's stream to a function, which reports what of a batch failed", () => {
    const [mapping] = Object.values(
      customerStack({ batchSize: 10 }).findResources("AWS::Lambda::EventSourceMapping"),
    );

    expect(mapping?.Properties).toMatchObject({
      BatchSize: 10,
      StartingPosition: "LATEST",
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 10,
    });
  });

  test("keeps what could not be published in a queue that the function may only send to", () => {
    const template = byDefault;
    const [[queue] = []] = Object.entries(template.findResources("AWS::SQS::Queue"));
    const [mapping] = Object.values(template.findResources("AWS::Lambda::EventSourceMapping"));
    const destination = { "Fn::GetAtt": [queue, "Arn"] };

    expect(mapping?.Properties).toMatchObject({
      DestinationConfig: { OnFailure: { Destination: destination } },
    });
    const sending = statements(template).filter(({ Resource }) =>
      JSON.stringify(Resource).includes(String(queue)),
    );
    expect(sending).toMatchObject([{ Action: "sqs:SendMessage", Resource: destination }]);
  });

  test("tells the function what the changes are those of", () => {
    customerStack({ attributes: ["title"] }).hasResourceProperties("AWS::Lambda::Function", {
      Environment: {
        Variables: {
          TABLE_CHANGES:
            '{"org":"acme","projectId":"p1","collectionId":"orders","idAttribute":"orderId","attributes":["title"]}',
        },
      },
    });
  });

  test("filters by Lambda's own patterns", () => {
    const filters = [{ eventName: ["INSERT"] }];

    customerStack({ filters }).hasResourceProperties("AWS::Lambda::EventSourceMapping", {
      FilterCriteria: { Filters: [{ Pattern: '{"eventName":["INSERT"]}' }] },
    });
  });

  test("may read the stream and nothing of the table, and no right is a wildcard", () => {
    const all = statements(byDefault);
    const reading = all.filter(({ Resource }) => JSON.stringify(Resource).includes("StreamArn"));

    expect(reading.map(({ Action }) => Action)).toEqual([
      [
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
      ],
    ]);
    for (const { Resource } of all) expect(Resource).not.toBe("*");
  });

  test("of a table without a stream is an error that says what to do", () => {
    expect(() => customerStack({}, false)).toThrow("has no stream: give it NEW_AND_OLD_IMAGES");
  });
});
