import { Stack } from "aws-cdk-lib";
import { HttpApi, HttpStage, type IApi } from "aws-cdk-lib/aws-apigatewayv2";
import type { Construct } from "constructs";
import { throttleOf } from "./throttle.ts";

/** The host of an API's own endpoint, e.g. `abc123.execute-api.eu-west-1.amazonaws.com`. */
export function domainNameOf(api: IApi): string {
  const { region, urlSuffix } = Stack.of(api);
  return `${api.apiId}.execute-api.${region}.${urlSuffix}`;
}

/** An HTTP API whose default stage takes so many requests in a second: the CDK's own takes no throttle. */
export function throttledApi(scope: Construct, description: string, rate: number): HttpApi {
  const api = new HttpApi(scope, "Api", { description, createDefaultStage: false });
  new HttpStage(api, "DefaultStage", {
    ...{ httpApi: api, autoDeploy: true, throttle: throttleOf(rate) },
  });
  return api;
}
