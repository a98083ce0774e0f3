/** The data types of SSH's binary packets (RFC 4251 §5) that keys use. */

export function sshString(value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Encodes a positive multiple-precision integer from its big-endian bytes. */
export function mpint(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length && bytes[start] === 0) start++;
  const digits = bytes.subarray(start);
  // A set high bit marks a negative number.
  return sshString((digits[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits);
}

/** Splits `bytes` into length-prefixed strings. Undefined when the strings do not fill it exactly. */
export function readStrings(bytes: Buffer): Buffer[] | undefined {
  const strings: Buffer[] = [];
  let position = 0;
  while (position < bytes.length) {
    if (position + 4 > bytes.length) return undefined;
    const end = position + 4 + bytes.readUInt32BE(position);
    if (end > bytes.length) return undefined;
    strings.push(bytes.subarray(position + 4, end));
    position = end;
  }
  return strings;
}

/** Sequential reader of binary data. Every method throws a RangeError when the bytes end too early. */
export class WireReader {
  #position = 0;

  constructor(readonly bytes: Buffer) {}

  take(length: number): Buffer {
    const end = this.#position + length;
    if (end > this.bytes.length) throw new RangeError("the bytes end too early");
    const part = this.bytes.subarray(this.#position, end);
    this.#position = end;
    return part;
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  string(): Buffer {
    return this.take(this.uint32());
  }

  rest(): Buffer {
    return this.take(this.bytes.length - this.#position);
  }
}
