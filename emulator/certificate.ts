import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Key and certificate for TLS under BorgBase's host names, and the CA file that clients have to trust. */
export interface Certificate {
  key: string;
  cert: string;
  /** Path of the authority's certificate, in PEM. */
  caFile: string;
}

const DAY = 86_400_000;
/** Validity, within the limit of strict clients, and the remaining days below which a certificate is replaced. */
const VALID_DAYS = 800;
const RENEW_DAYS = 60;

const OID = {
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
  commonName: [0x55, 0x04, 0x03],
  subjectKeyIdentifier: [0x55, 0x1d, 0x0e],
  keyUsage: [0x55, 0x1d, 0x0f],
  subjectAltName: [0x55, 0x1d, 0x11],
  basicConstraints: [0x55, 0x1d, 0x13],
  authorityKeyIdentifier: [0x55, 0x1d, 0x23],
  extKeyUsage: [0x55, 0x1d, 0x25],
  serverAuth: [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01],
};

/**
 * Reads the certificate for `names` from a folder. Creates one when it is missing or expires soon. The private key of its
 * authority is discarded at once: a client that trusts the authority trusts this one certificate only.
 */
export function loadCertificate(dir: string, names: string[]): Certificate {
  const [caFile, certFile, keyFile] = ["ca.pem", "server.pem", "server.key"].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  try {
    const [ca, cert, key] = [caFile, certFile, keyFile].map((path) => readFileSync(path, "utf8")) as [
      string,
      string,
      string,
    ];
    const read = new X509Certificate(cert);
    const lasts = Date.parse(read.validTo) - Date.now() > RENEW_DAYS * DAY;
    const covers = names.every((name) => read.subjectAltName?.includes(`DNS:${name}`));
    if (lasts && covers && read.verify(new X509Certificate(ca).publicKey)) return { key, cert, caFile };
  } catch {
    // Missing or damaged: a new certificate replaces it.
  }
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const created = createCertificates(names);
  writeFileSync(keyFile, created.key, { mode: 0o600 });
  writeFileSync(certFile, created.cert, { mode: 0o600 });
  writeFileSync(caFile, created.ca, { mode: 0o644 });
  return { key: created.key, cert: created.cert, caFile };
}

function createCertificates(names: string[]): { ca: string; cert: string; key: string } {
  const authority = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const server = generateKeyPairSync("ec", { namedCurve: "P-256" });
  // A random suffix, so that clients that cache certificates do not confuse the authorities of two starts.
  const issuer = `BorgBase emulator ${randomBytes(4).toString("hex")}`;
  const authorityId = keyId(authority.publicKey);
  const ca = certificate(issuer, issuer, authority.publicKey, authority.privateKey, [
    extension(OID.basicConstraints, true, sequence(der(0x01, [0xff]), der(0x02, [0]))),
    extension(OID.keyUsage, true, der(0x03, [2, 0x04])),
    extension(OID.subjectKeyIdentifier, false, der(0x04, authorityId)),
  ]);
  const cert = certificate(issuer, names[0] ?? "", server.publicKey, authority.privateKey, [
    extension(OID.basicConstraints, true, sequence()),
    extension(OID.keyUsage, true, der(0x03, [7, 0x80])),
    extension(OID.extKeyUsage, false, sequence(der(0x06, OID.serverAuth))),
    extension(OID.subjectAltName, false, sequence(...names.map((name) => der(0x82, Buffer.from(name))))),
    extension(OID.subjectKeyIdentifier, false, der(0x04, keyId(server.publicKey))),
    extension(OID.authorityKeyIdentifier, false, sequence(der(0x80, authorityId))),
  ]);
  return { ca, cert, key: server.privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}

/** A certificate of X.509 version 3 (RFC 5280, 4.1), in PEM. */
function certificate(issuer: string, subject: string, key: KeyObject, signer: KeyObject, extensions: Buffer[]): string {
  const algorithm = sequence(der(0x06, OID.ecdsaWithSha256));
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const content = sequence(
    der(0xa0, der(0x02, [2])),
    der(0x02, serial),
    algorithm,
    nameOf(issuer),
    sequence(utcTime(Date.now() - DAY), utcTime(Date.now() + VALID_DAYS * DAY)),
    nameOf(subject),
    key.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign("sha256", content, signer);
  const whole = sequence(content, algorithm, der(0x03, Buffer.concat([Buffer.of(0), signature])));
  const lines = whole.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(der(0x06, OID.commonName), der(0x0c, Buffer.from(commonName)))));
}

function extension(oid: number[], critical: boolean, value: Buffer): Buffer {
  return sequence(der(0x06, oid), ...(critical ? [der(0x01, [0xff])] : []), der(0x04, value));
}

function keyId(key: KeyObject): Buffer {
  return createHash("sha1")
    .update(key.export({ type: "spki", format: "der" }))
    .digest();
}

/** UTCTime, which covers the years until 2049. */
function utcTime(time: number): Buffer {
  const digits = new Date(time).toISOString().replace(/\D/g, "").slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}

function sequence(...items: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(items));
}

/** One ASN.1 value in DER: tag, length, content. */
function der(tag: number, content: Buffer | number[]): Buffer {
  const bytes = Buffer.from(content);
  const { length } = bytes;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), bytes]);
}
