import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as borgbase from "../../sdk";
import type { TestAccount } from "../provider/ssh/support/accounts";
import type { Sshd } from "../provider/ssh/support/sshd";
import { type Run, TestStack } from "./stack";

type Connections = Record<string, borgbase.SshConnectionArgs>;

/** A stack that holds SshConnections alone. */
export class SshStack {
  /** What the program declares, by name; may be exchanged between commands. */
  connections: Connections = {};

  private constructor(readonly stack: TestStack) {}

  static async create(env: Record<string, string> = {}): Promise<SshStack> {
    const program = async () => {
      for (const [name, args] of Object.entries(made.connections)) new borgbase.SshConnection(name, args);
    };
    const made: SshStack = new SshStack(await TestStack.create(program, env));
    return made;
  }

  /** Deploys what is declared, which must succeed. */
  async up(connections: Connections = this.connections): Promise<Run> {
    this.connections = connections;
    return worked(await this.stack.up());
  }

  /** Deploys what is declared, which may fail. */
  async tryUp(connections: Connections): Promise<Run> {
    this.connections = connections;
    return this.stack.up();
  }

  async refresh(): Promise<Run> {
    return worked(await this.stack.refresh());
  }

  async destroy(): Promise<Run> {
    return worked(await this.stack.destroy());
  }

  /** What a refresh would change; empty when nothing has drifted. */
  async drift(): Promise<string> {
    const { ok, output } = await this.stack.drift();
    return ok ? "" : output;
  }

  /** The outputs of a connection as the state has them: secrets encrypted. Undefined when the state has no such resource. */
  async outputs(name = "box"): Promise<Record<string, unknown> | undefined> {
    return (await this.stack.resource("SshConnection", name))?.outputs;
  }

  close(): Promise<void> {
    return this.stack.close();
  }
}

export function worked(run: Run): Run {
  assert.ok(run.ok, run.output);
  return run;
}

/** What a command did, in the order of names: `update box`. */
export function stepsOf({ steps }: Run): string[] {
  return steps.map(({ op, name }) => `${op} ${name}`).sort();
}

/** Where an account is and how to get in by password; the host's keys are pinned. */
export function byPassword(sshd: Sshd, { username, password }: TestAccount) {
  const hostKey = sshd.hostKeys.map(({ fingerprintSha256 }) => fingerprintSha256);
  return { host: "127.0.0.1", port: sshd.port, username, password, hostKey, timeout: 60 };
}

const fileOf = ({ home }: TestAccount) => join(home, ".ssh/authorized_keys");

/** The account's `authorized_keys`, byte for byte; undefined when there is none. */
export function authorizedKeys(account: TestAccount): string | undefined {
  return existsSync(fileOf(account)) ? readFileSync(fileOf(account), "latin1") : undefined;
}

/** Edits `authorized_keys` as a user of the host. */
export function writeAuthorizedKeys(account: TestAccount, content: string): void {
  mkdirSync(join(account.home, ".ssh"), { recursive: true, mode: 0o700 });
  writeFileSync(fileOf(account), content, { encoding: "latin1", mode: 0o600 });
  execFileSync("chown", ["-R", `${account.username}:`, join(account.home, ".ssh")]);
}
