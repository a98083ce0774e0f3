import { createHash } from "node:crypto";
import { cronToCalendar, presetFields } from "./cronExpression";
import type { Schedule, Weekday } from "./types";

/** Minutes of the night in which daily jobs start. */
const NIGHT = 6 * 60;

/** Times of a job, for systemd. */
export interface Calendar {
  /** Calendar expressions, `OnCalendar=` each. */
  expressions: string[];
  /** Delay that systemd derives from the machine and the unit, for a machine that is not known yet. */
  delay?: string;
}

/** Times of a job for a timer; undefined for a job without a schedule. */
export function calendarOf(schedule: Schedule, job: string, machineId: string | undefined): Calendar | undefined {
  if (schedule === "none") return undefined;
  if (schedule === "daily") {
    if (machineId === undefined) return { expressions: ["*-*-* 00:00:00"], delay: "6h" };
    return { expressions: [`*-*-* ${clock(minuteOf(job, machineId))}:00`] };
  }
  if ("onCalendar" in schedule) return { expressions: [schedule.onCalendar] };
  if ("cron" in schedule) return { expressions: cronToCalendar(schedule.cron) };
  const days = schedule.days?.map(capitalized).join(",");
  return { expressions: [`${days ? `${days} ` : ""}*-*-* ${schedule.at}:00`] };
}

/**
 * The five fields of a cron line; undefined for a job without a schedule.
 * A calendar expression of systemd has no such form: rules refuse it before.
 */
export function cronFieldsOf(schedule: Schedule, job: string, machineId: string | undefined): string | undefined {
  if (schedule === "none") return undefined;
  if (schedule === "daily") return cronFields(clock(minuteOf(job, machineId ?? "")));
  if ("onCalendar" in schedule) return undefined;
  if ("cron" in schedule) return presetFields(schedule.cron) ?? schedule.cron.split(/\s+/).join(" ");
  return cronFields(schedule.at, schedule.days);
}

/** A fixed minute of the night per machine and job, so that jobs of many machines do not start at once. */
function minuteOf(job: string, machineId: string): number {
  return createHash("sha256").update(`${machineId}\n${job}`).digest().readUInt32BE(0) % NIGHT;
}

function clock(minute: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

function cronFields(at: string, days?: readonly Weekday[]): string {
  const [hour, minute] = at.split(":").map(Number);
  return `${minute} ${hour} * * ${days?.join(",") ?? "*"}`;
}

function capitalized(day: Weekday): string {
  return day.charAt(0).toUpperCase() + day.slice(1);
}
