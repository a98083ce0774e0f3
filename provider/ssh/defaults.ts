/** Port of an SSH server (RFC 4253 §4.2), which `known_hosts` lines leave out. */
export const DEFAULT_PORT = 22;

/** Limit of one whole operation, in seconds. */
export const DEFAULT_TIMEOUT = 30;

/** Path of the file of keys, relative to the folder where a login starts (sshd_config(5), AuthorizedKeysFile). */
export const DEFAULT_AUTHORIZED_KEYS_PATH = ".ssh/authorized_keys";
