import * as borgbase from "pulumi-borgbase";

/** The server's own key. Its private half never leaves the server. */
export const systemKey = new borgbase.borgui.SystemKey("borg-ui", { keyType: "ed25519" });

export const { publicKey } = systemKey;
