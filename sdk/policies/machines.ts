import type { PolicyResource } from "@pulumi/policy";
import { isOfType, propertyOf, sourcesOf } from "./values";

/**
 * Tells the machines that have the private half of an SshKey: hosts of BackupJobs, `local` for the one that runs Pulumi.
 * Keys are compared by their values and by their KeyPair. Unknown hosts are left out.
 */
export async function machinesByKey(resources: PolicyResource[]): Promise<(key: PolicyResource) => string[]> {
  const { importPrivateKey, parsePublicKey } = await import("../../provider/ssh/keys/index.js");
  const blobOf = (read: () => { blob: string }) => {
    try {
      return read().blob;
    } catch {
      // The provider itself reports a text that is no key.
      return undefined;
    }
  };
  const machines = new Map<string, Set<string>>();
  for (const job of resources.filter((each) => isOfType(each, "BackupJob"))) {
    const machine = machineOf(job);
    if (!machine) continue;
    for (const key of identitiesOf(job, "privateKey", (text) => blobOf(() => importPrivateKey({ privateKey: text }))))
      machines.set(key, (machines.get(key) ?? new Set()).add(machine));
  }
  return (sshKey) => {
    const keys = identitiesOf(sshKey, "publicKey", (text) => blobOf(() => parsePublicKey(text)));
    return [...new Set(keys.flatMap((key) => [...(machines.get(key) ?? [])]))].sort();
  };
}

/** The public half of a known key, and the KeyPair that it comes from. A preview of the plugin leaves unknown outputs out. */
function identitiesOf(
  resource: PolicyResource,
  property: string,
  blobOf: (text: string) => string | undefined,
): string[] {
  const value = propertyOf(resource.props, property);
  const blob = typeof value === "string" ? blobOf(value) : undefined;
  const [pair, ...others] = sourcesOf(resource, property, "KeyPair");
  return [...(blob ? [blob] : []), ...(pair && others.length === 0 ? [pair.urn] : [])];
}

function machineOf(job: PolicyResource): string | undefined {
  const connection = propertyOf(job.props, "connection");
  if (connection === "local") return "local";
  if (typeof connection !== "object" || connection === null) return undefined;
  const host = propertyOf(connection, "host");
  const port = propertyOf(connection, "port") ?? 22;
  return typeof host === "string" && typeof port === "number" ? `${host}${port === 22 ? "" : `:${port}`}` : undefined;
}
