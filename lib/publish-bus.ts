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

/** The bus other back ends put events on: one rule hands each to the publisher, what fails is kept with the reason. */
export class PublishBus extends Construct {
  readonly busName: string;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { publisher }: PublishBusProps) {
    super(scope, id);

    const bus = new EventBus(this, "Bus");
    this.busName = bus.eventBusName;
    this.deadLetters = failureQueue(this, "DeadLetters", publisher);
    new Rule(this, "EveryEntry", {
      eventBus: bus,
      // AWS's own events on the bus are nobody's publications.
      eventPattern: { source: [{ "anything-but": { prefix: "aws." } }] as unknown as string[] },
      targets: [new FunctionTarget(publisher, { deadLetterQueue: this.deadLetters })],
    });
    // Lambda itself sends what failed three times, with the error's name and message.
    const onFailure = { bind: () => ({ destination: this.deadLetters.queueArn }) };
    // Late is better than never for what others publish once, and what is too late even so is kept.
    publisher.configureAsyncInvoke({ onFailure, retryAttempts: 2, maxEventAge: Duration.hours(1) });
  }
}
