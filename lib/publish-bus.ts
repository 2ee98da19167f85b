import { Duration } from "aws-cdk-lib";
import { EventBus, Rule } from "aws-cdk-lib/aws-events";
import { LambdaFunction as FunctionTarget } from "aws-cdk-lib/aws-events-targets";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { failureQueue } from "./failure-queue.ts";

export interface PublishBusProps {
  /** Takes each entry; may also be invoked directly. */
  readonly publisher: LambdaFunction;
}

/** The bus that other back ends put entries on: one rule invokes the publisher, and a queue keeps what fails with its error. */
export class PublishBus extends Construct {
  readonly bus: EventBus;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { publisher }: PublishBusProps) {
    super(scope, id);

    this.bus = new EventBus(this, "Bus");
    this.deadLetters = failureQueue(this, "DeadLetters", publisher);
    new Rule(this, "EveryEntry", {
      eventBus: this.bus,
      // AWS's own events on the bus are no publications.
      eventPattern: { source: [{ "anything-but": { prefix: "aws." } }] as unknown as string[] },
      targets: [new FunctionTarget(publisher, { deadLetterQueue: this.deadLetters })],
    });
    // Lambda itself sends what failed three times, with the error's name and message.
    const onFailure = { bind: () => ({ destination: this.deadLetters.queueArn }) };
    // What others publish once is better late than never; the queue keeps what is even later.
    publisher.configureAsyncInvoke({ onFailure, retryAttempts: 2, maxEventAge: Duration.hours(1) });
  }
}
