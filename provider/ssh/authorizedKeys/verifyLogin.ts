import { type Access, probeAccess } from "../connection/access";
import { connect } from "../connection/connect";
import { onlyHostKey } from "../connection/hostKeys";
import type { ResolvedTarget } from "../connection/resolveTarget";
import { Session } from "../connection/session";
import { SshError } from "../error";
import type { KeyMaterial } from "../keys";
import { forcedCommand, verifyForcedCommand } from "./forcedCommand";

/**
 * Logs in with a deployed key alone, to the very host of the session.
 * @param options the options of the key's line: a forced command is tested too
 * @throws SshError of every kind but those of files
 */
export async function verifyLogin(session: Session, key: KeyMaterial, options: string): Promise<Access> {
  const { deadline, hostKey } = session;
  const target: ResolvedTarget = { ...session.target, hostKeys: onlyHostKey(hostKey), credentials: [{ key }] };
  const login = new Session(target, await connect(target, deadline), deadline);
  try {
    if (login.method !== "publickey") {
      const text = `${session.address} lets ${target.username} in without any key, so the key cannot be proven`;
      throw new SshError("authentication", text, { phase: "authentication" });
    }
    const forced = forcedCommand(options);
    if (forced === undefined) return await probeAccess(login);
    await verifyForcedCommand(login, forced);
    return "restricted";
  } finally {
    login.close();
    deadline.phase = "session";
  }
}
