/** Expressions of cron, checked and translated for systemd. */

interface FieldRule {
  name: string;
  min: number;
  max: number;
  names?: readonly string[];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const RULES: readonly FieldRule[] = [
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day of the month", min: 1, max: 31 },
  { name: "month", min: 1, max: 12, names: MONTHS },
  { name: "day of the week", min: 0, max: 7, names: DAYS },
];

const PRESETS: Record<string, string> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
};

/** The five fields of a preset such as `@daily`; undefined for any other text. */
export function presetFields(expression: string): string | undefined {
  return PRESETS[expression.trim().toLowerCase()];
}

/** The fault of an expression; undefined for a valid one. */
export function cronProblem(expression: string): string | undefined {
  try {
    parse(expression);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * The same times as calendar expressions of systemd. Cron runs on either day where an expression restricts both the day of
 * the month and that of the week; systemd needs an expression for each.
 */
export function cronToCalendar(expression: string): string[] {
  const [minutes, hours, dates, months, weekdays] = parse(expression) as [Values, Values, Values, Values, Values];
  const days = [...new Set(weekdays.list.map((day) => day % 7))].sort((a, b) => a - b);
  const names = days.length === 7 ? "" : `${days.map((day) => capitalized(DAYS[day] as string)).join(",")} `;
  const time = `${written(hours, 24)}:${written(minutes, 60)}:00`;
  const onDates = `*-${written(months, 12)}-${written(dates, 31)} ${time}`;
  if (dates.isStar || weekdays.isStar) return [`${names}${onDates}`];
  return [onDates, `${names}*-${written(months, 12)}-* ${time}`];
}

interface Values {
  list: number[];
  /** Whether the field begins with `*`: cron then wants both days to match, not either. */
  isStar: boolean;
}

function parse(expression: string): Values[] {
  const fields = (presetFields(expression) ?? expression).trim().split(/\s+/);
  if (fields.length !== RULES.length) {
    throw new Error(`"${expression}" must have five fields, or be one of ${Object.keys(PRESETS).join(", ")}`);
  }
  return fields.map((field, i) => parseField(field, RULES[i] as FieldRule));
}

function parseField(field: string, rule: FieldRule): Values {
  const list = new Set<number>();
  for (const part of field.split(",")) {
    const [, from, to, step] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part) ?? [];
    const isStar = from === "*";
    if (from === undefined || (isStar && to !== undefined) || step === "0") throw fault(part, rule);
    const first = isStar ? rule.min : number(from, part, rule);
    // A step after a single value runs to the end, as in every cron that accepts it.
    const last = to !== undefined ? number(to, part, rule) : isStar || step !== undefined ? highest(rule) : first;
    if (last < first) throw fault(part, rule);
    for (let value = first; value <= last; value += Number(step ?? 1)) list.add(value);
  }
  return { list: [...list].sort((a, b) => a - b), isStar: field.startsWith("*") };
}

/** Sunday is both 0 and 7; a star counts it once. */
function highest({ max, names }: FieldRule): number {
  return names === DAYS ? 6 : max;
}

function number(text: string, part: string, rule: FieldRule): number {
  const named = rule.names?.indexOf(text.toLowerCase()) ?? -1;
  const value = named >= 0 ? named + rule.min : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= rule.min && value <= rule.max)) throw fault(part, rule);
  return value;
}

function fault(part: string, { name, min, max }: FieldRule): Error {
  return new Error(`"${part}" is no ${name} of cron (${min}–${max})`);
}

function written({ list }: Values, all: number): string {
  if (list.length === all) return "*";
  return list.map((value) => String(value).padStart(2, "0")).join(",");
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
