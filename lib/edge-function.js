// CloudFront Function (viewer request, JavaScript runtime 2.0): lets Socket.IO's default path reach
// the stage of the WebSocket API. The execute-api endpoint knows no path but /live.

const STAGE_PATH = "/live";

// biome-ignore lint/correctness/noUnusedVariables: CloudFront calls the function of this name.
function handler(event) {
  const request = event.request;
  const query = request.querystring;

  if (request.uri !== "/socket.io/" && request.uri !== "/socket.io")
    return refuse(404, 3, "Bad request");
  if (!query.EIO || query.EIO.value !== "4") return refuse(400, 5, "Unsupported protocol version");
  if (!query.transport || query.transport.value !== "websocket")
    return refuse(400, 0, "Transport unknown", 'connect with { transports: ["websocket"] }');

  request.uri = STAGE_PATH;
  return request;
}

/** The error body of an Engine.IO server, with a hint for the developer where there is one. */
function refuse(statusCode, code, message, hint) {
  return {
    statusCode: statusCode,
    statusDescription: statusCode === 404 ? "Not Found" : "Bad Request",
    headers: {
      "content-type": { value: "application/json" },
      "access-control-allow-origin": { value: "*" },
    },
    body: JSON.stringify({ code: code, message: message, hint: hint }),
  };
}
