import { isDeepStrictEqual } from "node:util";
import type { Schedule } from "./types";

/*
 * What found files of a schedule say, in the words of the arguments. A file that a person has changed need not be one that
 * this package would write: the value then shows what stands there.
 */

/** The value of `serviceOptions` that a found unit shows, beside the planned text of the unit and the declared options. */
export function foundServiceOptions(
  found: string | undefined,
  planned: string,
  declared: Readonly<Record<string, string>>,
): Record<string, string> {
  if (found === undefined) return { ...declared, "[Service]": "the unit is gone" };
  const [actual, expected] = [linesOf(found, "Service"), linesOf(planned, "Service")];
  const options: Record<string, string> = { ...declared };
  for (const name of new Set([...actual.keys(), ...expected.keys()])) {
    const values = actual.get(name) ?? [];
    if (!isDeepStrictEqual(values, expected.get(name) ?? [])) options[name] = values.join(" ") || "the line is gone";
  }
  return isDeepStrictEqual(options, declared) ? { ...declared, "[Unit]": "other lines are there" } : options;
}

/** The schedule that a found timer shows. */
export function foundTimerSchedule(found: string | undefined, planned: string): Schedule {
  const times = (text: string) => linesOf(text, "Timer").get("OnCalendar") ?? [];
  const actual = found === undefined ? [] : times(found);
  if (actual.length === 0) return "none";
  const isSame = isDeepStrictEqual(actual, times(planned));
  return { onCalendar: `${actual.join("; ")}${isSame ? " and other lines" : ""}` };
}

/** The schedule that a found cron file shows. */
export function foundCronSchedule(found: string | undefined, planned: string): Schedule {
  const line = (text: string) => text.split("\n").find((each) => /^\s*[\d*@]/.test(each));
  const actual = line(found ?? "");
  if (actual === undefined) return "none";
  const fields = /^\s*(@\S+|(?:\S+\s+){4}\S+)/.exec(actual)?.[1] ?? actual;
  const isSame = line(planned)?.startsWith(fields) ?? false;
  return { cron: `${fields}${isSame ? " and another command" : ""}` };
}

/** Values of a section's options; an option may have several lines. */
function linesOf(text: string, section: string): Map<string, string[]> {
  const lines = new Map<string, string[]>();
  let current = "";
  for (const line of text.split("\n").map((each) => each.trim())) {
    const header = /^\[(.+)\]$/.exec(line)?.[1];
    if (header !== undefined) current = header;
    const [, name, value] = /^([A-Za-z]+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined || current !== section) continue;
    lines.set(name, [...(lines.get(name) ?? []), value]);
  }
  return lines;
}
