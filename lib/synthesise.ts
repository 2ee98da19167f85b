import { App } from "aws-cdk-lib";
import { ApplicationStack } from "./application-stack.ts";
import type { SocketIoServerProps } from "./server-props.ts";

/** Synthesises one application at the edge into a folder, in this process and without the CDK's command. */
export function synthesiseApplication(folder: string, props: SocketIoServerProps): void {
  // The CDK's command sets this context, by which assets are found in the template.
  const cdk = new App({
    outdir: folder,
    context: { "aws:cdk:enable-asset-metadata": true },
    // CloudFormation's rules, which take as long as all the rest, are for what is deployed.
    builtinCloudFormationValidation: false,
  });
  new ApplicationStack(cdk, "Application", props);
  const { stacks } = cdk.synth();
  // Here it runs with the environment that it has: what a deployment is warned of would fail at once.
  const [warning] = stacks
    .flatMap(({ messages }) => messages)
    .map(({ entry }) => String(entry.data));
  if (warning !== undefined) throw new Error(warning.replace(/ \[ack: .*\]$/, ""));
}
