import type { RealtimeSocket } from "../index.ts";
import type { Panel } from "./panel.ts";

/** Lets a user cut the network, and reconnect: the transport closes, without a DISCONNECT packet, and stays away. */
export function switchNetwork(panel: Panel, socket: RealtimeSocket): void {
  const button = panel.find<HTMLButtonElement>("network");
  let isCut = false;
  const isBusy = () => isCut === socket.connected;

  function update(): void {
    button.textContent = isCut ? "Reconnect" : "Cut my network";
    // It keeps the focus, which a disabled one would lose.
    button.ariaDisabled = String(isBusy());
  }
  socket.on("connect", update);
  socket.on("disconnect", () => {
    if (isCut) panel.show("network cut", "write on both sides, then reconnect");
    update();
  });
  button.onclick = () => {
    if (isBusy()) return;
    isCut = !isCut;
    socket.io.reconnection(!isCut);
    if (isCut) socket.io.engine.close();
    else {
      panel.show("connecting");
      socket.connect();
    }
    update();
  };
}
