import * as borgbase from "pulumi-borgbase";

const pair = new borgbase.KeyPair("nas");

/** A second key, beside the system key. */
const key = new borgbase.borgui.Key("nas", { publicKey: pair.publicKey, privateKey: pair.privateKey });

export const { fingerprintSha256 } = key;
