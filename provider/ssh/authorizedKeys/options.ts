/** Option strings of `authorized_keys` lines (sshd(8), "AUTHORIZED_KEYS FILE FORMAT"). */

/** One option. Its `value` keeps the quotes. */
export interface Option {
  name: string;
  value: string | undefined;
}

/** Splits an option string. Undefined when its quotes or commas are malformed. */
export function splitOptions(options: string): Option[] | undefined {
  const parts: Option[] = [];
  let rest = options;
  while (rest !== "") {
    const match = /^([A-Za-z0-9-]+)(?:=("(?:\\"|[^"])*"))?(?:,(?=.)|$)/s.exec(rest);
    if (match === null) return undefined;
    parts.push({ name: match[1] ?? "", value: match[2] });
    rest = rest.slice(match[0].length);
  }
  return parts;
}

/** An option string for outputs and messages: values of environment variables may be secrets. */
export function withoutEnvironment(options: string): string {
  return options.replace(/(environment=")(?:\\"|[^"])*"/gi, '$1…"');
}

/** Whether two strings have the same options in the same order: `restrict` resets the options before it. */
export function sameOptions(a: string, b: string): boolean {
  const normal = (options: string) => splitOptions(options)?.map(({ name, value }) => [name.toLowerCase(), value]);
  return a === b || (splitOptions(a) !== undefined && JSON.stringify(normal(a)) === JSON.stringify(normal(b)));
}
