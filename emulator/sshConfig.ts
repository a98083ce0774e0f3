import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HostKey } from "./storage/types";

/** Host names of repositories: BorgBase's own, and `server.hostname`. */
const HOSTS = "*.repo.borgbase.com *.borgbase.invalid";

/**
 * Writes an ssh configuration that maps BorgBase's host names to the emulator and pins its host keys. Use: `ssh -F FILE`,
 * `BORG_RSH`, or an `Include` in `~/.ssh/config`. Serves clients that build `ID@ID.repo.borgbase.com` or
 * `ID@{server.hostname}`.
 *
 * @returns its path.
 */
export function writeSshConfig(folder: string, host: string, port: number, hostKeys: HostKey[]): string {
  const knownHosts = join(folder, "known_hosts");
  const path = join(folder, "ssh_config");
  const lines = hostKeys.map(({ publicKey }) => `${ALIAS},${port === 22 ? host : `[${host}]:${port}`} ${publicKey}\n`);
  writeFileSync(knownHosts, lines.join(""), { mode: 0o600 });
  writeFileSync(path, configuration(host, port, knownHosts), { mode: 0o600 });
  return path;
}

const ALIAS = "borgbase-emulator";

function configuration(host: string, port: number, knownHosts: string): string {
  const node = quoted(process.execPath);
  const connect = `const s=require('net').connect(${port},'${host}');process.stdin.pipe(s).pipe(process.stdout)`;
  return `# Written by the emulator at each start: maps the host names of BorgBase's servers to it.
Host ${HOSTS}
  HostName ${host}
  Port ${port}
  HostKeyAlias ${ALIAS}
  UserKnownHostsFile ${quoted(knownHosts)}
  GlobalKnownHostsFile /dev/null
  CheckHostIP no
  StrictHostKeyChecking yes

# A port in the client's own address, as in ssh://ID@ID.repo.borgbase.com:22/./repo, precedes the port above.
Match originalhost ${HOSTS.replaceAll(" ", ",")} exec "test %p != ${port}"
  ProxyCommand ${node} -e "${connect}"

# Addresses in the API's responses.
Host ${host}
  UserKnownHostsFile ${quoted(knownHosts)} ~/.ssh/known_hosts
`;
}

/** A path for ssh_config: quoted, with nothing for ssh to expand. */
function quoted(path: string): string {
  return `"${path.replaceAll("%", "%%")}"`;
}
