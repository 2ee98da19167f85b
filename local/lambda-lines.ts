/** What Lambda itself logs about an invocation at a lower log level than `WARN`, from its documentation. */
export const LINES_OF_AN_INVOCATION = [
  '{"time":"2024-03-13T18:56:24.046Z","type":"platform.start","record":{"requestId":"79b4f56e-95b1-4643-9700-2807f4e68189","version":"$LATEST"}}',
  '{"time":"2024-03-13T18:56:24.099Z","type":"platform.report","record":{"requestId":"79b4f56e-95b1-4643-9700-2807f4e68189","metrics":{"durationMs":12.345,"billedDurationMs":13,"memorySizeMB":512,"maxMemoryUsedMB":80},"status":"success"}}',
].join("\n");
