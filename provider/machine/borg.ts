import { printable } from "../ssh/error";
import type { Machine } from "./host/machine";
import { quote } from "./host/shell";

/** One call of borg on the host. */
export interface BorgResult {
  code: number;
  stdout: string;
  /** Ids of the log's messages, such as `Repository.DoesNotExist`. */
  ids: string[];
  /** What borg and ssh said, for people. */
  reason: string;
}

/** Runs borg with a wrapper of the job, as the job's account. */
export async function runBorg(
  machine: Machine,
  {
    wrapper,
    user,
    args,
    before = "",
    after = "",
  }: { wrapper: string; user: string; args: string; before?: string; after?: string },
  options: { purpose: string; seconds?: number },
): Promise<BorgResult> {
  const script = `cd /; ${before}\n${asUser(user, `${quote(wrapper)} --log-json ${args}`)} || exit\n${after}`;
  const { code, output, stderr } = await machine.run(script, { seconds: 180, ...options });
  const { ids, reason } = readLog(stderr);
  return { code, stdout: output.toString("utf8"), ids, reason };
}

/** A command line as another account. Its environment stays, so that a variable of borg reaches it. */
export function asUser(user: string, command: string): string {
  return user === "root" ? command : `su -s /bin/sh -c ${quote(command)} ${quote(user)}`;
}

function readLog(stderr: string): Pick<BorgResult, "ids" | "reason"> {
  const ids: string[] = [];
  const messages: string[] = [];
  for (const line of stderr.split("\n")) {
    let entry: { msgid?: string; message?: string; levelname?: string } = {};
    try {
      entry = JSON.parse(line);
    } catch {
      if (line.trim() !== "") messages.push(line);
      continue;
    }
    if (entry.msgid) ids.push(entry.msgid);
    if (entry.message && entry.levelname !== "DEBUG" && entry.levelname !== "INFO") {
      messages.push(withoutTraceback(entry.message));
    }
  }
  return { ids, reason: printable(messages.join(" ")).slice(-400) };
}

/** The exception alone: borg prints the calls before it, and versions of the system behind it. */
function withoutTraceback(message: string): string {
  if (!message.includes("Traceback (most recent call last)")) return message;
  return message.match(/^[\w.]*(Error|Exception)\b.*$/gm)?.at(-1) ?? message;
}
