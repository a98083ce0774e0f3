import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server as NetServer } from "node:net";
import { type AuthContext, type AuthenticationType, type Connection, Server, type SFTPWrapper, utils } from "ssh2";
import type { Target } from "../../../../provider/ssh/connection/target";
import { fingerprintSha256 } from "../../../../provider/ssh/keys/publicKey";

const { STATUS_CODE, OPEN_MODE } = utils.sftp;

/** The reaction to a request instead of an answer. */
export type Fault = "refuse" | "silence" | "drop" | "drop after" | undefined;
export type Request = "open" | "read" | "write" | "rename" | "remove" | "mkdir";

/**
 * An SSH server in this process with files in memory and faults on demand. Like some real servers it lacks posix-rename,
 * and refuses to rename over a file.
 */
export class FaultServer {
  readonly files = new Map<string, Buffer>();
  readonly folders = new Set<string>();
  readonly connections = new Set<Connection>();
  /** Decides the fault of each request on a file. */
  fault: (request: Request, path: string) => Fault = () => undefined;
  authenticate: (context: AuthContext) => void = (context) => context.accept();
  methods: AuthenticationType[] = ["password", "keyboard-interactive", "publickey"];
  port = 0;
  readonly #listener: NetServer;
  readonly #fingerprint: string;

  constructor() {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const pem = privateKey.export({ type: "sec1", format: "pem" }).toString();
    const parsed = utils.parseKey(pem);
    if (parsed instanceof Error) throw parsed;
    this.#fingerprint = fingerprintSha256(parsed.getPublicSSH());
    const server = new Server({ hostKeys: [pem] }, (connection) => this.#serve(connection));
    // ssh2's own listener leaves Nagle's algorithm on, which costs 40 ms an answer.
    this.#listener = createServer({ noDelay: true }, (socket) => server.injectSocket(socket));
  }

  async start(): Promise<this> {
    this.#listener.listen(0, "127.0.0.1");
    await once(this.#listener, "listening");
    const address = this.#listener.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    this.port = address.port;
    return this;
  }

  async stop(): Promise<void> {
    for (const connection of this.connections) connection.end();
    await new Promise<void>((resolve) => this.#listener.close(() => resolve()));
  }

  target(more: Partial<Target> = {}): Target {
    const credentials = [{ password: "secret" }];
    return {
      host: "127.0.0.1",
      port: this.port,
      username: "box",
      hostKey: this.#fingerprint,
      credentials,
      timeout: 60,
      ...more,
    };
  }

  #serve(connection: Connection): void {
    this.connections.add(connection);
    connection.on("error", () => {}).on("close", () => this.connections.delete(connection));
    connection.on("authentication", (context) => {
      if (context.method === "none") context.reject(this.methods);
      else this.authenticate(context);
    });
    connection.on("session", (accept) => {
      accept().on("sftp", (acceptSftp) => this.#serveFiles(connection, acceptSftp()));
    });
  }

  #serveFiles(connection: Connection, sftp: SFTPWrapper): void {
    const handles = new Map<number, string>();
    let next = 0;
    const ok = (id: number) => sftp.status(id, STATUS_CODE.OK);
    const missing = (id: number) => sftp.status(id, STATUS_CODE.NO_SUCH_FILE);
    const failure = (id: number) => sftp.status(id, STATUS_CODE.FAILURE);
    /** Runs `action` unless the request has a fault. */
    const unlessFault = (request: Request, id: number, path: string, action: () => void) => {
      const fault = this.fault(request, path);
      if (fault === "refuse") failure(id);
      else if (fault === "drop") connection.end();
      else if (fault !== "silence") action();
      if (fault === "drop after") connection.end();
    };
    const pathOf = (handle: Buffer) => handles.get(handle.readUInt32BE(0)) ?? "";
    const attributes = (path: string) => {
      const size = this.files.get(path)?.length;
      if (size === undefined && !this.folders.has(path) && path !== ".") return undefined;
      return { mode: size === undefined ? 0o40700 : 0o100600, size: size ?? 0, uid: 1, gid: 1, atime: 0, mtime: 0 };
    };
    const stat = (id: number, path: string) => {
      const found = attributes(path);
      return found ? sftp.attrs(id, found) : missing(id);
    };
    sftp
      .on("LSTAT", stat)
      .on("STAT", stat)
      .on("FSTAT", (id, handle) => stat(id, pathOf(handle)));
    sftp.on("OPEN", (id, path, flags) =>
      unlessFault("open", id, path, () => {
        if (flags & OPEN_MODE.EXCL && this.files.has(path)) return failure(id);
        if (!(flags & OPEN_MODE.CREAT) && !this.files.has(path)) return missing(id);
        if (flags & OPEN_MODE.CREAT) this.files.set(path, Buffer.alloc(0));
        const handle = Buffer.alloc(4);
        handle.writeUInt32BE(next);
        handles.set(next++, path);
        return sftp.handle(id, handle);
      }),
    );
    sftp.on("READ", (id, handle, offset, length) => {
      const path = pathOf(handle);
      unlessFault("read", id, path, () => {
        const part = this.files.get(path)?.subarray(offset, offset + length);
        if (part?.length) sftp.data(id, part);
        else sftp.status(id, STATUS_CODE.EOF);
      });
    });
    sftp.on("WRITE", (id, handle, offset, data) => {
      const path = pathOf(handle);
      unlessFault("write", id, path, () => {
        const old = this.files.get(path) ?? Buffer.alloc(0);
        this.files.set(path, Buffer.concat([old.subarray(0, offset), data, old.subarray(offset + data.length)]));
        ok(id);
      });
    });
    sftp.on("CLOSE", (id) => ok(id)).on("SETSTAT", (id) => ok(id));
    sftp.on("MKDIR", (id, path) =>
      unlessFault("mkdir", id, path, () => {
        this.folders.add(path);
        ok(id);
      }),
    );
    sftp.on("RENAME", (id, from, to) =>
      unlessFault("rename", id, to, () => {
        const content = this.files.get(from);
        if (content === undefined) return missing(id);
        if (this.files.has(to)) return failure(id);
        this.files.delete(from);
        this.files.set(to, content);
        return ok(id);
      }),
    );
    sftp.on("REMOVE", (id, path) =>
      unlessFault("remove", id, path, () => (this.files.delete(path) ? ok(id) : missing(id))),
    );
  }
}
