import { randomBytes } from "node:crypto";
import { printable, SshError } from "../../ssh/error";

export interface RunOptions {
  /** What the script is for, for messages: "observe the job". */
  purpose: string;
  /** Limit of this script. Default: the connection's. */
  seconds?: number;
}

export interface RunResult {
  code: number;
  /** What the script printed, without the text of start-up files. */
  output: Buffer;
  /** For people: start-up files and programs write to it. */
  stderr: string;
}

/** A machine whose shell runs scripts as root. */
export interface Machine {
  /** For messages: `host:port`, or `this machine`. */
  readonly address: string;
  /** Fingerprint of the verified host key. Undefined for the machine itself. */
  readonly hostKeyFingerprint: string | undefined;
  /**
   * Runs a POSIX script as root. Nothing of it appears in an argument.
   * @throws SshError where no root shell answers, or the connection is lost
   */
  run(script: string, options: RunOptions): Promise<RunResult>;
}

/** How the account becomes root. */
export interface Become {
  sudo: boolean;
  /** Sent on standard input. */
  password?: string | undefined;
}

/** A command line and the text for its standard input. */
export interface Invocation {
  command: string;
  stdin: Buffer;
  mark: string;
}

const SETTINGS =
  "LC_ALL=C; export LC_ALL; PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH";

/**
 * The invocation of a script. The script travels on standard input, framed by marks: start-up files of a shell may print
 * before and after. Commands of the script read an empty input, so that none of them swallows its rest.
 */
export function invocation(script: string, { sudo, password }: Become): Invocation {
  const mark = `mark-${randomBytes(9).toString("hex")}`;
  const body = `{ ${SETTINGS}; printf '%s\\n' ${mark}; (\n${script}\n); printf '\\n%s %s\\n' ${mark} "$?"; } </dev/null\n`;
  if (!sudo) return { command: "sh -s", stdin: Buffer.from(body), mark };
  if (!password) return { command: "sudo -n sh -s", stdin: Buffer.from(body), mark };
  // sudo reads the password only where it asks for one. What it leaves is skipped up to the mark.
  const skip = `while IFS= read -r line && [ "$line" != ${mark} ]; do :; done; exec sh -s`;
  return { command: `sudo -S -p "" sh -c '${skip}'`, stdin: Buffer.from(`${password}\n${mark}\n${body}`), mark };
}

/**
 * The result within the marks.
 * @throws SshError `session` where no shell answered
 */
export function parseResult(
  { mark }: Invocation,
  { stdout, stderr }: { stdout: Buffer; stderr: string },
  { address, purpose, sudo }: { address: string; purpose: string; sudo: boolean },
): RunResult {
  const text = stdout.toString("latin1");
  const start = text.indexOf(`${mark}\n`);
  const end = text.lastIndexOf(`\n${mark} `);
  if (start < 0 || end < start) {
    const reply = printable(stderr).slice(-200) || printable(text).slice(-200) || "nothing";
    const how = sudo ? "sudo" : "the shell";
    throw new SshError("session", `cannot ${purpose} on ${address}: ${how} says: ${reply}`, { phase: "session" });
  }
  return {
    code: Number.parseInt(text.slice(end + mark.length + 2), 10),
    output: Buffer.from(text.slice(start + mark.length + 1, end), "latin1"),
    stderr,
  };
}
