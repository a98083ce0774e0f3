import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A real account of this machine for one test file. */
export interface TestAccount {
  username: string;
  password: string;
  home: string;
}

const run = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: "utf8", stdio: "pipe" });

/**
 * Accounts and files of one test file; {@link TestHost.remove} leaves nothing behind.
 * Requires root: without it, a server admits its own user alone.
 */
export class TestHost {
  /** Folder owned by root with all its parents, as a chroot requires. */
  readonly folder: string;
  readonly #accounts: string[] = [];

  constructor() {
    if (process.getuid?.() !== 0) throw new Error("the SSH tests make accounts for their servers and need root");
    mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
    this.folder = mkdtempSync("/run/sshd-test-");
    chmodSync(this.folder, 0o755);
  }

  /** @param shell its login shell; default: a POSIX shell */
  account({ shell = "/bin/sh" } = {}): TestAccount {
    const username = `ssht-${randomBytes(5).toString("hex")}`;
    const password = `pw-${randomBytes(9).toString("base64url")}`;
    const home = join(this.folder, username);
    const hash = run("openssl", "passwd", "-6", password).trim();
    run("useradd", "--create-home", "--home-dir", home, "--shell", shell, "--password", hash, username);
    this.#accounts.push(username);
    chmodSync(home, 0o700);
    return { username, password, home };
  }

  /** An account with SFTP in a chroot. It sees its folder `home/data` alone, and starts there. */
  chrooted(): TestAccount & { data: string } {
    const account = this.account();
    run("chown", "root:root", account.home);
    chmodSync(account.home, 0o755);
    const data = join(account.home, "data");
    mkdirSync(data, { mode: 0o700 });
    run("chown", `${account.username}:`, data);
    return { ...account, data };
  }

  /** A script that root owns, for login shells and forced commands. */
  script(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    chmodSync(path, 0o755);
    return path;
  }

  /** The shell of a storage box: a few commands, no quoting, no variables. */
  boxShell(): string {
    return this.script(
      "boxsh",
      `#!/bin/sh
[ "$1" = -c ] || { echo "interactive shells are not available" >&2; exit 1; }
case "$2" in
  *[\\;\\|\\&\\$\\\`\\'\\"]*) ;;
  "borg serve"*|df|"df "*|borg\\ --version) set -f; exec $2 ;;
  */sftp-server*) exec $2 ;;
esac
echo "Command not found. Use 'help' to get a list of available commands." >&2
exit 127
`,
    );
  }

  remove(): void {
    for (const username of this.#accounts) {
      try {
        run("pkill", "-KILL", "-u", username);
      } catch {
        // pkill fails without a process of that account.
      }
      run("userdel", "--force", username);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
