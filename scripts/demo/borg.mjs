// Files for a backup into the stack's repository: the private key, the known host key, a passphrase.
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Problem, run } from "../setup/progress.mjs";
import { quoted } from "./shell.mjs";

/**
 * @typedef {{ hostname: string, fingerprintRsa: string, fingerprintEcdsa: string, fingerprintEd25519: string }} Server
 * @typedef {{ repoPath: string, privateKey: string, hostFingerprints: Server }} StackOutputs
 */

/**
 * Writes key, known host and passphrase into `folder`, readable by this user only. Verifies the host's key.
 * @param {string} folder
 * @param {StackOutputs} outputs
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Record<string, string>>} the environment variables that borg needs
 */
export async function borgEnvironment(folder, { repoPath, privateKey, hostFingerprints }, env) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const key = join(folder, "id");
  const knownHosts = join(folder, "known_hosts");
  const sshConfig = join(folder, "ssh_config");
  const secret = (/** @type {string} */ file, /** @type {string} */ text) => writeFileSync(file, text, { mode: 0o600 });
  secret(key, `${privateKey.trim()}\n`);
  secret(knownHosts, await knownHostsOf(repoPath, hostFingerprints, env));
  const settings = [
    `IdentityFile "${key}"`,
    "IdentitiesOnly yes",
    "IdentityAgent none",
    `UserKnownHostsFile "${knownHosts}"`,
    "GlobalKnownHostsFile /dev/null",
    "StrictHostKeyChecking yes",
    "BatchMode yes",
  ];
  secret(sshConfig, `Host *\n${settings.map((line) => `  ${line}\n`).join("")}`);
  return {
    BORG_REPO: repoPath,
    BORG_RSH: `ssh -F ${quoted(sshConfig)}`,
    BORG_PASSCOMMAND: `cat ${quoted(secretFile(join(folder, "borg-passphrase")))}`,
    BORG_BASE_DIR: join(folder, "borg"),
    // The port in the address may differ at the next run of the emulator.
    BORG_RELOCATED_REPO_ACCESS_IS_OK: "yes",
  };
}

/**
 * @param {string} file created with a random text if it is missing
 * @returns {string} its path
 */
export function secretFile(file) {
  if (!existsSync(file)) writeFileSync(file, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600 });
  return file;
}

/**
 * The presented host keys whose fingerprints the API reports: no key is trusted on first use.
 * @param {string} repoPath `ssh://USER@HOST[:PORT]/…`, or the short form `USER@HOST:PATH`
 * @param {Server} server
 * @param {NodeJS.ProcessEnv} env
 */
async function knownHostsOf(repoPath, server, env) {
  const url = URL.canParse(repoPath) ? new URL(repoPath) : undefined;
  const host = url?.hostname || /@([^:/]+):/.exec(repoPath)?.[1];
  if (!host) throw new Problem(`The repository's address has no host in it: ${repoPath}`);
  const scanned = await run("ssh-keyscan", ["-p", url?.port || "22", host], {
    env,
    problem: `${host} gave no host key`,
  });
  const reported = [server.fingerprintEd25519, server.fingerprintEcdsa, server.fingerprintRsa]
    .filter(Boolean)
    .map(bare);
  const known = scanned.split("\n").filter((line) => reported.includes(fingerprintOf(line)));
  if (known.length > 0) return `${known.join("\n")}\n`;
  throw new Problem(
    `${host} presents none of the host keys that BorgBase tells (${reported.join(", ")}): not connecting`,
  );
}

/**
 * @param {string} line of a known_hosts file: host, type, key in base64
 * @returns {string} SHA-256 in base64
 */
function fingerprintOf(line) {
  return bare(
    createHash("sha256")
      .update(Buffer.from(line.split(" ")[2] ?? "", "base64"))
      .digest("base64"),
  );
}

/** @param {string} fingerprint */
function bare(fingerprint) {
  return fingerprint.replace(/^SHA256:/, "").replace(/=+$/, "");
}
