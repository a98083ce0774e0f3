import { amount } from "../text";

const SIZES = ["MB", "GB", "TB", "PB"];

/** A size with three digits: `470 GB`, `1.24 TB`, `0 MB`. Units are decimal, as BorgBase's are. */
export function size(megabytes: number): string {
  let value = megabytes;
  let unit = 0;
  for (; value >= 999.5 && unit < SIZES.length - 1; unit++) value /= 1000;
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${SIZES[unit]}`;
}

/** Days in words, with a decimal below 10: `1 day`, `2.4 days`, `12 days`. */
export function days(count: number): string {
  return amount(count < 10 ? Math.floor(count * 10) / 10 : Math.floor(count), "day");
}

/** A short age: `20 min`, `5 h`, `12 d`, `8 mo`, `2 y`. */
export function age(inDays: number): string {
  const minutes = inDays * 1440;
  if (minutes < 60) return `${Math.floor(minutes)} min`;
  if (inDays < 2) return `${Math.floor(minutes / 60)} h`;
  if (inDays < 90) return `${Math.floor(inDays)} d`;
  if (inDays < 730) return `${Math.floor(inDays / 30.44)} mo`;
  return `${Math.floor(inDays / 365.25)} y`;
}

/** `2026-11-26 07:34 UTC` */
export function moment(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
}

/** `every 2 weeks`, `every day` */
export function every({ interval, unit }: { interval: number; unit: string }): string {
  return interval === 1 ? `every ${unit.replace(/s$/, "")}` : `every ${interval} ${unit}`;
}

/** Without characters that steer a terminal or turn the direction of a line. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, "?");
}

/** `ed25519`, `rsa 4096`: bits only where a type has several. */
export function keyKind({ keyType, bits }: { keyType: string; bits: number }): string {
  const type = printable(keyType.replace(/^ssh-/, ""));
  return bits && !/ed25519/.test(type) ? `${type} ${bits}` : type;
}
