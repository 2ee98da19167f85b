// One execution environment of a function, in a worker thread: it loads the bundle once, runs one
// invocation at a time, and is frozen (the whole thread waits) until the next one comes. Where the bundle has
// registered itself as an extension, it is frozen once that asks for its next event.
import { getHeapStatistics } from "node:v8";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";

const { port, wake, file, exportName, ahead } = workerData;
const signal = new Int32Array(wake);

for (const stream of [process.stdout, process.stderr])
  stream.write = (text, ...rest) => {
    port.postMessage({ type: "log", text: String(text) });
    rest.find((argument) => typeof argument === "function")?.();
    return true;
  };

const handler = await load();
port.postMessage({ type: "loaded" });
await toldToFreeze();

for (;;) {
  Atomics.wait(signal, 0, 0);
  Atomics.store(signal, 0, 0);
  const received = receiveMessageOnPort(port);
  if (ahead[0] > 0) moveClock();
  if (received === undefined) continue;
  const { text, isExtended } = received.message;
  const result = await run(JSON.parse(text));
  port.postMessage({ ...result, heap: getHeapStatistics().used_heap_size });
  if (isExtended) await toldToFreeze();
}

/** Extensions go on until they have asked for their next event. */
function toldToFreeze() {
  return new Promise((resolve) => parentPort.once("message", resolve));
}

/** Has `Date` go as far ahead as the stack's clock, from the first time that a test moves that. */
function moveClock() {
  const Real = Date;
  if (Real.name === "Moved") return;
  globalThis.Date = class Moved extends Real {
    constructor(...time) {
      super(...(time.length > 0 ? time : [Moved.now()]));
    }
    static now() {
      return Real.now() + ahead[0];
    }
  };
}

async function load() {
  try {
    const loaded = await import(file);
    if (typeof loaded[exportName] !== "function")
      throw new Error(`${file} exports no ${exportName}`);
    return loaded[exportName];
  } catch (error) {
    return () => Promise.reject(error);
  }
}

async function run({ event, context, timeout }) {
  const began = performance.now();
  context.getRemainingTimeInMillis = () => Math.max(0, timeout - (performance.now() - began));
  try {
    return { type: "result", value: await handler(event, context) };
  } catch (error) {
    return { type: "error", message: error instanceof Error ? error.stack : String(error) };
  }
}
