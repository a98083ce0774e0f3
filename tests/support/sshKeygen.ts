import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** A key as OpenSSH's own tool made it. */
export interface MadeKey {
  privateKey: string;
  /** One line, without a newline. */
  publicKey: string;
}

/** The real `ssh-keygen`, with a folder that is gone afterwards. */
async function inFolder<T>(
  work: (file: string, run: (...args: string[]) => Promise<string>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "borgbase-keygen-"));
  const run = async (...args: string[]) => (await promisify(execFile)("ssh-keygen", args)).stdout;
  try {
    return await work(join(folder, "key"), run);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes a key; `options` as on the command line, for example `-t rsa -b 2048 -m PEM`. */
export function makeKey(options: string, passphrase = "", comment = ""): Promise<MadeKey> {
  return inFolder(async (file, run) => {
    await run("-q", ...options.split(" "), "-N", passphrase, "-C", comment, "-f", file);
    return { privateKey: await readFile(file, "utf8"), publicKey: (await readFile(`${file}.pub`, "utf8")).trim() };
  });
}

/** The same key under another passphrase. */
export function reencrypt(privateKey: string, from: string, to: string): Promise<string> {
  return inFolder(async (file, run) => {
    await writeFile(file, privateKey, { mode: 0o600 });
    await run("-q", "-p", "-P", from, "-N", to, "-f", file);
    return readFile(file, "utf8");
  });
}

/** What `ssh-keygen` makes of a private key without passphrase: its public line and both fingerprints. */
export function inspect(privateKey: string): Promise<{ publicKey: string; sha256: string; md5: string }> {
  return inFolder(async (file, run) => {
    await writeFile(file, privateKey, { mode: 0o600 });
    const publicKey = (await run("-y", "-P", "", "-f", file)).trim();
    await writeFile(`${file}.pub`, publicKey);
    const fingerprint = async (hash: string) => (await run("-l", "-E", hash, "-f", `${file}.pub`)).split(" ")[1] ?? "";
    return { publicKey, sha256: await fingerprint("sha256"), md5: await fingerprint("md5") };
  });
}
