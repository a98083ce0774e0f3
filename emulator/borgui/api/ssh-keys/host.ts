import { isIP } from "node:net";
import { z } from "zod";

const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

/** A bare DNS name or address, trimmed; no brackets, scheme or port. The case is kept. */
export const hostInput = z.string().transform((text, check) => {
  const host = text.trim();
  const isName =
    host.length <= 253 &&
    host
      .replace(/\.+$/, "")
      .split(".")
      .every((label) => LABEL.test(label));
  if (isIP(host) !== 0 || isName) return host;
  check.addIssue({ code: "custom", message: "the host is no bare DNS name or IP address" });
  return z.NEVER;
});
