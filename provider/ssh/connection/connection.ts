import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { NodeSSH } from "node-ssh";
import type { Client } from "ssh2";
import type { HostKey } from "./hostKey";

/** A logged-in connection to a verified host. */
export interface Connection {
  ssh: NodeSSH;
  /** Socket to the first host on the way. Its end ends every connection through it. */
  socket: Socket;
  hostKey: HostKey;
  /** Successful authentication method: `publickey`, `password`, `keyboard-interactive`, or `none`. */
  method: string;
  /** Milliseconds until the host accepted the TCP connection. */
  latencyMs: number;
  /** Adds a listener for the end of the connection, called once. Returns its removal. */
  onClose(listener: () => void): () => void;
  /** Disconnects and frees everything, including the jump hosts. */
  close(): void;
}

/**
 * The part of a {@link Connection} that its transport decides.
 * @param via the connection to the jump host that carries `stream`
 */
export function connectionOver(
  stream: Duplex,
  ssh: NodeSSH,
  client: Client,
  via: Connection | undefined,
): Pick<Connection, "ssh" | "socket" | "onClose" | "close"> {
  const socket = via?.socket ?? (stream as Socket);
  return {
    ssh,
    socket,
    onClose(listener) {
      client.once("close", listener);
      socket.once("close", listener);
      return () => {
        client.off("close", listener);
        socket.off("close", listener);
      };
    },
    close() {
      ssh.dispose();
      via?.close();
      socket.destroySoon();
      setTimeout(() => socket.destroy(), 500).unref();
    },
  };
}
