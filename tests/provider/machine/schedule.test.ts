import assert from "node:assert/strict";
import { cronProblem, cronToCalendar } from "../../../provider/machine/plan/cronExpression";
import { calendarOf, cronFieldsOf } from "../../../provider/machine/plan/schedule";

describe("Schedules of a BackupJob", () => {
  it("A daily job starts between 0:00 and 6:00, at a minute that is fixed for machine and job", () => {
    const times = Array.from(
      { length: 200 },
      (_, i) => calendarOf("daily", "web", `machine-${i}`)?.expressions[0] ?? "",
    );
    for (const time of times) assert.match(time, /^\*-\*-\* 0[0-5]:[0-5]\d:00$/);
    assert.ok(new Set(times).size > 100);
    assert.deepEqual(calendarOf("daily", "web", "machine-1")?.expressions, [times[1]]);
    assert.notDeepEqual(calendarOf("daily", "db", "machine-1")?.expressions, [times[1]]);
    const [minute, hour, ...rest] = (cronFieldsOf("daily", "web", "machine-1") ?? "").split(" ");
    assert.equal(times[1], `*-*-* ${hour?.padStart(2, "0")}:${minute?.padStart(2, "0")}:00`);
    assert.deepEqual(rest, ["*", "*", "*"]);
  });

  it("A machine that is not known yet chooses its own fixed minute", () => {
    assert.deepEqual(calendarOf("daily", "web", undefined), { expressions: ["*-*-* 00:00:00"], delay: "6h" });
  });

  it("A time with days is the same for systemd and cron", () => {
    const schedule = { at: "02:05", days: ["mon" as const, "fri" as const] };
    assert.deepEqual(calendarOf(schedule, "web", "m")?.expressions, ["Mon,Fri *-*-* 02:05:00"]);
    assert.equal(cronFieldsOf(schedule, "web", "m"), "5 2 * * mon,fri");
  });

  it("A job without a schedule has no time", () => {
    assert.equal(calendarOf("none", "web", "m"), undefined);
    assert.equal(cronFieldsOf("none", "web", "m"), undefined);
  });

  const CALENDARS: [cron: string, ...calendars: string[]][] = [
    ["5 2 * * *", "*-*-* 02:05:00"],
    ["@hourly", "*-*-* *:00:00"],
    ["@weekly", "Sun *-*-* 00:00:00"],
    ["*/20 8-10 * * mon-fri", "Mon,Tue,Wed,Thu,Fri *-*-* 08,09,10:00,20,40:00"],
    ["0 0 * jan,7 6-7", "Sun,Sat *-01,07-* 00:00:00"],
    // Cron runs on either day, unless one of the two fields begins with a star.
    ["0 3 1 * mon", "*-*-01 03:00:00", "Mon *-*-* 03:00:00"],
    ["0 3 */10 * mon", "Mon *-*-01,11,21,31 03:00:00"],
    ["10/25 0 * * *", "*-*-* 00:10,35:00"],
  ];
  for (const [cron, ...calendars] of CALENDARS) {
    it(`The cron expression "${cron}" becomes ${calendars.join(" and ")}`, () => {
      assert.equal(cronProblem(cron), undefined);
      assert.deepEqual(cronToCalendar(cron), calendars);
    });
  }

  const INVALID: [cron: string, problem: RegExp][] = [
    ["* * * *", /must have five fields/],
    ["@reboot", /must have five fields, or be one of @hourly/],
    ["60 0 * * *", /"60" is no minute of cron \(0–59\)/],
    ["0 24 * * *", /"24" is no hour of cron/],
    ["0 0 * * fri-mon", /"fri-mon" is no day of the week/],
    ["0 0 0 * *", /"0" is no day of the month/],
    ["*/0 * * * *", /"\*\/0" is no minute/],
    ["0 0 * foo *", /"foo" is no month/],
  ];
  for (const [cron, problem] of INVALID) {
    it(`The cron expression "${cron}" is refused with the part that is wrong`, () => {
      assert.match(cronProblem(cron) ?? "", problem);
    });
  }
});
