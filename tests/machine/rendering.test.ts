import assert from "node:assert/strict";
import { type Job, renderPlan } from "../../provider/machine/plan";
import { cronToCalendar } from "../../provider/machine/plan/cronExpression";
import { facts, job } from "../provider/machine/support";
import { MachineHost, type Suite } from "../support/machineHost";

const VERSIONS: Record<Suite, { borgmatic: string; validate: string }> = {
  bookworm: { borgmatic: "1.7.7", validate: "validate-borgmatic-config --config" },
  trixie: { borgmatic: "1.9.14", validate: "borgmatic config validate --config" },
};

const JOBS: Record<string, Job> = {
  least: job(),
  "without checks": job({ checks: [], schedule: "none" }),
  whole: job({
    remotePath: "borg14",
    paths: ["/etc", `/srv/ü 😀 $\{HOME}\u0085`],
    exclude: ["*.tmp", "re:^/srv/x$"],
    excludeIfPresent: [".nobackup"],
    uploadLimit: 500,
    retention: { within: "2d", secondly: 1, minutely: 1, hourly: 3, daily: 7, weekly: 4, monthly: 6, yearly: 1 },
    checks: [{ name: "repository", frequency: "1 month" }, { name: "archives" }, { name: "data" }, { name: "extract" }],
    hooks: { before: ["echo 'a'"], after: ["true"], onError: ["echo {error}"] },
    healthchecks: "https://hc-ping.com/1",
    borgmatic: { postgresql_databases: [{ name: "all" }], retries: 2, atime: false, umask: 77 },
    serviceOptions: { ReadWritePaths: "/var/backups", Nice: "5" },
    schedule: { at: "02:30", days: ["sat", "sun"] },
  }),
  "with a local repository": job({ repository: '/mnt/a "b" 5%', paths: ["/tmp/x"] }),
};

describe("Rendered jobs", () => {
  for (const [suite, { borgmatic, validate }] of Object.entries(VERSIONS)) {
    it(`borgmatic and systemd of ${suite} accept every rendered file without a warning`, async () => {
      const host = await MachineHost.start({ suite: suite as Suite });
      try {
        for (const [what, each] of Object.entries(JOBS)) {
          const plan = renderPlan(each, facts(borgmatic));
          const units = plan.schedule.files.map(({ path }) => path).join(" ");
          for (const { path, content } of [...plan.files, ...plan.schedule.files]) {
            await host.output('mkdir -p "$(dirname "$1")"; printf %s "$2" > "$1"', path, content);
          }
          await host.output(`${validate} ${plan.names.config}`);
          assert.equal(await host.output(`systemd-analyze verify ${units} 2>&1`), "", what);
          await host.output(`sh -n ${plan.names.wrapper}; rm ${units}`);
        }
        const crons = ["5 2 * * *", "*/20 8-10 * jan,7 mon-fri", "0 3 1 * mon", "0 3 */10 * 7", "@monthly"];
        for (const calendar of crons.flatMap(cronToCalendar))
          await host.output('systemd-analyze calendar "$1"', calendar);
      } finally {
        await host.stop();
      }
    });
  }
});
