import type { Failure } from "../../errors";
import type { SshConnectionInputs } from "../../schema/sshConnection";
import type { Problem } from "../../ssh/connection/address";
import { DEFAULT_PORT } from "../../ssh/defaults";
import { SshError } from "../../ssh/error";
import { expansionProblem, pathProblem } from "../../ssh/files/paths";
import { failuresOf } from "../../ssh/toProviderError";

/** Validates arguments against each other. Contacts nothing. */
export async function rules(inputs: Partial<SshConnectionInputs>, unknown: ReadonlySet<string>): Promise<Failure[]> {
  const [
    { addressProblems },
    { credentialProblems },
    { hostKeyProblem },
    { jumpProblems },
    { matches, parsePublicKey },
    { mayBePrivate },
    { restrictionProblems },
  ] = await Promise.all([
    import("../../ssh/connection/address.js"),
    import("../../ssh/connection/credentials.js"),
    import("../../ssh/connection/hostKeys.js"),
    import("../../ssh/connection/jumps.js"),
    import("../../ssh/keys/index.js"),
    import("../../ssh/keys/publicKey.js"),
    import("../../ssh/authorizedKeys/restriction.js"),
  ]);
  const { host, port = DEFAULT_PORT, username, publicKey, privateKey, passphrase, hostKey, restrict } = inputs;
  const problems: Problem[] = addressProblems({ host: host ?? "unknown", port, username: username ?? "unknown" });
  if (publicKey !== undefined) {
    // The engine prints the value of a failed property, and this value may be a private key.
    const [problem] = failuresOf("publicKey", () => parsePublicKey(publicKey));
    const isSecret = mayBePrivate(publicKey);
    if (problem) problems.push(isSecret ? { property: "", reason: `publicKey: ${problem.reason}` } : problem);
  }
  if (host !== undefined && hostKey !== undefined) {
    const reason = hostKeyProblem(host, port, { hostKey });
    if (reason) problems.push({ property: [hostKey].flat().some(mayBePrivate) ? "" : "hostKey", reason });
  }
  const restricted = restrict === undefined ? [] : restrictionProblems(restrict, inputs.defaultPath).map(topLevel);
  // A path that both checks refuse is reported once.
  const paths = pathProblems(inputs).filter(({ property }) => !restricted.some((each) => each.property === property));
  problems.push(...restricted, ...paths);
  problems.push(...jumpProblems(inputs.proxyJump));
  // An encrypted key cannot be parsed without its passphrase.
  if (!unknown.has("bootstrapPassphrase")) {
    const bootstrap = { privateKey: inputs.bootstrapPrivateKey, passphrase: inputs.bootstrapPassphrase };
    problems.push(
      ...credentialProblems(bootstrap, { privateKey: "bootstrapPrivateKey", passphrase: "bootstrapPassphrase" }),
    );
  }
  if (!unknown.has("passphrase")) {
    const unusable = credentialProblems({ privateKey, passphrase });
    problems.push(...unusable);
    if (privateKey !== undefined && publicKey !== undefined && unusable.length === 0) {
      const pair = failuresOf("publicKey", () => {
        if (!matches(publicKey, { privateKey, ...(passphrase !== undefined && { passphrase }) })) {
          throw new SshError("input", "it is not the other half of publicKey", { property: "privateKey" });
        }
      });
      if (!problems.some(({ property }) => property === "publicKey")) problems.push(...pair);
    }
  }
  return problems;
}

function pathProblems(inputs: Partial<SshConnectionInputs>): Problem[] {
  const { authorizedKeysPath, defaultPath, sshPathPrefix, restrict, username } = inputs;
  const problems: Problem[] = [];
  const add = (property: string, reason: string | undefined) => reason && problems.push({ property, reason });
  for (const [property, path] of Object.entries({ authorizedKeysPath, defaultPath, sshPathPrefix })) {
    if (path !== undefined) add(property, pathProblem(path, username));
  }
  if (authorizedKeysPath?.endsWith("/")) add("authorizedKeysPath", "names a folder; name the file in it");
  const served = restrict?.borgServe?.path;
  if (served !== undefined) {
    const reason = expansionProblem(served, username);
    add("restrict", reason && `borgServe.path: ${reason}`);
  }
  return problems;
}

/** The problem of a top-level property, as engines expect it. The path within moves to the reason. */
function topLevel({ property, reason }: Problem): Problem {
  const [top = property, ...rest] = property.split(".");
  return { property: top, reason: rest.length ? `${rest.join(".")} ${reason}` : reason };
}
