import { spawn } from "node:child_process";
import { SshError } from "../../ssh/error";
import { type Become, invocation, type Machine, parseResult, type RunOptions, type RunResult } from "./machine";

const SECONDS = 60;

/** The machine that runs Pulumi. */
export function localMachine(become: Become): Machine {
  const address = "this machine";
  return {
    address,
    hostKeyFingerprint: undefined,
    async run(script: string, { purpose, seconds = SECONDS }: RunOptions): Promise<RunResult> {
      const call = invocation(script, become);
      const result = await execute(call.command, call.stdin, seconds, purpose);
      return parseResult(call, result, { address, purpose, sudo: become.sudo });
    },
  };
}

function execute(command: string, stdin: Buffer, seconds: number, purpose: string) {
  return new Promise<{ stdout: Buffer; stderr: string }>((resolve, reject) => {
    const child = spawn("sh", ["-c", command], { stdio: ["pipe", "pipe", "pipe"], detached: true });
    const stdout: Buffer[] = [];
    let stderr = "";
    child.stdout.on("data", (chunk) => stdout.push(chunk));
    child.stderr.setEncoding("utf8").on("data", (text) => {
      stderr += text;
    });
    // The shell may end without reading its input.
    child.stdin.on("error", () => {});
    child.stdin.end(stdin);
    const timer = setTimeout(() => {
      process.kill(-(child.pid ?? 0), "SIGKILL");
      reject(new SshError("timeout", `this machine did not ${purpose} within ${seconds} s`, { phase: "session" }));
    }, seconds * 1000);
    child.on("error", (cause) => {
      clearTimeout(timer);
      reject(new SshError("session", `this machine has no shell: ${cause.message}`, { cause }));
    });
    child.on("close", () => {
      clearTimeout(timer);
      resolve({ stdout: Buffer.concat(stdout), stderr });
    });
  });
}
