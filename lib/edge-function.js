// CloudFront Function (viewer request, JavaScript runtime 2.0): lets Socket.IO's default path reach
// the stage of the WebSocket API. The execute-api endpoint knows no path but /live, and is handed
// nothing but what an upgrade needs and the server reads.

const STAGE_PATH = "/live";

const QUERY = ["EIO", "transport", "token"];

// CloudFront lets no function take the last four away.
const HEADERS = ["authorization", "origin", "host", "via", "content-length", "transfer-encoding"];

// biome-ignore lint/correctness/noUnusedVariables: CloudFront calls the function of this name.
function handler(event) {
  // Whether it is an upgrade cannot be seen here: the origin refuses what is none.
  const request = event.request;
  const query = request.querystring;

  if (request.uri !== "/socket.io/" && request.uri !== "/socket.io")
    return refuse(404, 3, "Bad request");
  if (!query.transport || query.transport.value !== "websocket")
    return refuse(400, 0, "Transport unknown", 'connect with { transports: ["websocket"] }');
  if (query.sid)
    return refuse(400, 1, "Session ID unknown", "there is no session to upgrade from polling");
  if (request.method !== "GET") return refuse(400, 2, "Bad handshake method");
  if (!query.EIO || query.EIO.value !== "4") return refuse(400, 5, "Unsupported protocol version");

  request.uri = STAGE_PATH;
  request.cookies = {};
  dropOwnOrigin(request.headers);
  keep(query, (name) => QUERY.indexOf(name) >= 0);
  keep(
    request.headers,
    (name) => HEADERS.indexOf(name) >= 0 || name.indexOf("sec-websocket-") === 0,
  );
  return request;
}

/** Native clients name the server itself as their origin: what is no page names none. */
function dropOwnOrigin(headers) {
  if (!headers.origin || !headers.host) return;
  if (hostIn(headers.origin.value) === hostIn(headers.host.value)) delete headers.origin;
}

/** The host of an origin or a `Host` header, with its port where that is not a default one. */
function hostIn(address) {
  return address
    .toLowerCase()
    .replace(/^(https?|wss?):\/\//, "")
    .replace(/:(80|443)$/, "");
}

function keep(fields, isNeeded) {
  Object.keys(fields).forEach((name) => {
    if (!isNeeded(name)) delete fields[name];
  });
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
