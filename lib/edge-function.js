import cf from "cloudfront";

// CloudFront Function (viewer request, JavaScript runtime 2.0): lets Socket.IO's default path reach
// the stage of the WebSocket API, or the HTTP API of long polling. The execute-api endpoints know no
// path but theirs, and are handed nothing but what a client needs and the server reads.

// Replaced by the transports of the deployment.
const TRANSPORTS = ["polling", "websocket"];

const STAGE_PATH = "/live";
const POLLING_PATH = "/polling";
const POLLING_ORIGIN = "polling";
const POLLING_METHODS = ["GET", "POST", "OPTIONS"];

const QUERY = ["EIO", "transport", "sid", "token"];

// CloudFront lets no function take the last four away.
const HEADERS = ["authorization", "origin", "host", "via", "content-length", "transfer-encoding"];

// A client makes `t` anew for each GET.
const POLLING_QUERY = QUERY.concat("t");
const POLLING_HEADERS = HEADERS.concat(
  "content-type",
  "access-control-request-headers",
  "access-control-request-method",
);

// biome-ignore lint/correctness/noUnusedVariables: CloudFront calls the function of this name.
function handler(event) {
  const request = event.request;
  const query = request.querystring;
  const transport = query.transport ? query.transport.value : "";

  if (request.uri !== "/socket.io/" && request.uri !== "/socket.io")
    return refuse(request, 404, 3, "Bad request");
  if (TRANSPORTS.indexOf(transport) < 0)
    return refuse(request, 400, 0, "Transport unknown", transportHint());
  const refused = transport === "polling" ? pollingFault(request) : upgradeFault(request);
  if (refused) return refused;
  // A preflight is answered before anything is refused that the page could not read otherwise.
  if (request.method !== "OPTIONS" && (!query.EIO || query.EIO.value !== "4"))
    return refuse(request, 400, 5, "Unsupported protocol version");

  request.cookies = {};
  dropOwnOrigin(request.headers);
  return transport === "polling" ? toPolling(request) : toStage(request);
}

function pollingFault(request) {
  if (POLLING_METHODS.indexOf(request.method) < 0)
    return refuse(request, 400, 2, "Bad handshake method");
  if (request.method === "POST" && !request.querystring.sid)
    return refuse(request, 400, 2, "Bad handshake method");
}

// Whether it is an upgrade cannot be seen here: the origin refuses what is none.
function upgradeFault(request) {
  if (request.querystring.sid && !isServed("polling"))
    return refuse(
      request,
      400,
      1,
      "Session ID unknown",
      "there is no session to upgrade from polling",
    );
  if (request.method !== "GET") return refuse(request, 400, 2, "Bad handshake method");
}

function toPolling(request) {
  cf.selectRequestOriginById(POLLING_ORIGIN);
  request.uri = POLLING_PATH;
  keep(request.querystring, (name) => POLLING_QUERY.indexOf(name) >= 0);
  keep(request.headers, (name) => POLLING_HEADERS.indexOf(name) >= 0);
  return request;
}

function toStage(request) {
  request.uri = STAGE_PATH;
  keep(request.querystring, (name) => QUERY.indexOf(name) >= 0);
  keep(
    request.headers,
    (name) => HEADERS.indexOf(name) >= 0 || name.indexOf("sec-websocket-") === 0,
  );
  return request;
}

function isServed(transport) {
  return TRANSPORTS.indexOf(transport) >= 0;
}

function transportHint() {
  return isServed("polling") ? undefined : 'connect with { transports: ["websocket"] }';
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
function refuse(request, statusCode, code, message, hint) {
  return {
    statusCode: statusCode,
    statusDescription: statusCode === 404 ? "Not Found" : "Bad Request",
    headers: errorHeaders(request.headers.origin),
    body: JSON.stringify({ code: code, message: message, hint: hint }),
  };
}

/** A page that sends credentials cannot read what every origin may. */
function errorHeaders(origin) {
  const headers = { "content-type": { value: "application/json" }, vary: { value: "Origin" } };
  if (origin) {
    headers["access-control-allow-origin"] = { value: origin.value };
    headers["access-control-allow-credentials"] = { value: "true" };
  }
  return headers;
}
