import assert from "node:assert/strict";
import {
  foundCronSchedule,
  foundServiceOptions,
  foundTimerSchedule,
  type Plan,
  renderPlan,
} from "../../../provider/machine/plan";
import { APP, facts, job } from "./support";

function content(plan: Plan, name: string): string {
  const file = [...plan.files, ...plan.schedule.files].find(({ path }) => path.endsWith(name));
  assert.ok(file, `the plan has no ${name}`);
  return file.content;
}

const octal = (plan: Plan) =>
  Object.fromEntries(
    [...plan.folders, plan.lock, ...plan.files].map(({ path, mode, owner, group }) => [
      path,
      `${mode.toString(8)} ${owner}:${group}`,
    ]),
  );

describe("Plan of a BackupJob", () => {
  it("Nobody but root reads the files of root's job", () => {
    assert.deepEqual(octal(renderPlan(job(), facts())), {
      "/etc/pulumi-borgbase": "755 root:root",
      "/etc/pulumi-borgbase/web": "700 root:root",
      "/var/lib/pulumi-borgbase": "755 root:root",
      "/var/lib/pulumi-borgbase/web": "700 root:root",
      "/var/lib/pulumi-borgbase/lock-root": "600 root:root",
      "/etc/pulumi-borgbase/web/id": "600 root:root",
      "/etc/pulumi-borgbase/web/passphrase": "600 root:root",
      "/etc/pulumi-borgbase/web/known_hosts": "600 root:root",
      "/etc/pulumi-borgbase/web/config.yaml": "600 root:root",
      "/etc/pulumi-borgbase/web/borg": "700 root:root",
    });
  });

  it("Another account reads what its job does, and cannot change it", () => {
    assert.deepEqual(octal(renderPlan(job(), facts("1.9.14", { account: APP }))), {
      "/etc/pulumi-borgbase": "755 root:root",
      "/etc/pulumi-borgbase/web": "750 root:staff",
      "/var/lib/pulumi-borgbase": "755 root:root",
      "/var/lib/pulumi-borgbase/web": "700 app:staff",
      "/var/lib/pulumi-borgbase/lock-app": "600 app:staff",
      "/etc/pulumi-borgbase/web/id": "600 app:staff",
      "/etc/pulumi-borgbase/web/passphrase": "600 app:staff",
      "/etc/pulumi-borgbase/web/known_hosts": "640 root:staff",
      "/etc/pulumi-borgbase/web/config.yaml": "640 root:staff",
      "/etc/pulumi-borgbase/web/borg": "750 root:staff",
    });
  });

  it("Only secret files hold the key and the passphrase", () => {
    const plan = renderPlan(job(), facts());
    for (const { content, secret, path } of [...plan.files, ...plan.schedule.files]) {
      if (/it's \$HOME|KEY\n/.test(content)) assert.ok(secret, path);
    }
    assert.equal(content(plan, "/passphrase"), "it's $HOME\n");
    assert.equal(content(plan, "/id"), "KEY\n");
  });

  it("Jobs of one account share a lock, and each has a folder, units and archives of its own", () => {
    const [web, db] = ["web", "db"].map((name) => renderPlan(job({ name }), facts())) as [Plan, Plan];
    assert.equal(web.lock.path, db.lock.path);
    const paths = (plan: Plan) => [...plan.files, ...plan.schedule.files].map(({ path }) => path);
    assert.deepEqual(
      paths(web).filter((path) => paths(db).includes(path)),
      [],
    );
    for (const plan of [web, db]) {
      assert.match(
        content(plan, ".service"),
        /^ExecStart=\/usr\/bin\/flock -w 86400 \/var\/lib\/pulumi-borgbase\/lock-root /m,
      );
      assert.ok(paths(plan).every((path) => !/\/usr\/lib|borgmatic\.d|borgmatic\.service/.test(path)));
    }
  });

  it("Neither the wrapper nor the configuration trusts ssh's own settings or known hosts", () => {
    const plan = renderPlan(job({ remotePath: "borg14" }), facts());
    for (const text of [content(plan, "/borg"), content(plan, "/config.yaml")]) {
      assert.match(text, /ssh -F \/dev\/null -i \/etc\/pulumi-borgbase\/web\/id /);
      assert.match(text, /-o StrictHostKeyChecking=yes /);
      assert.match(text, /-o UserKnownHostsFile=\/etc\/pulumi-borgbase\/web\/known_hosts /);
      assert.match(text, /borg14/);
    }
    assert.match(content(plan, "/borg"), /^unset BORG_PASSPHRASE /m);
  });

  it("A plain job runs in the strict sandbox", () => {
    const unit = content(renderPlan(job(), facts()), ".service");
    for (const line of [
      "ProtectSystem=strict",
      "PrivateTmp=yes",
      "NoNewPrivileges=yes",
      "CapabilityBoundingSet=CAP_DAC_READ_SEARCH",
    ]) {
      assert.ok(unit.includes(`\n${line}\n`), line);
    }
    // It would hide /usr/lib/modules from the backup.
    assert.doesNotMatch(unit, /ProtectKernelModules|User=|ReadWritePaths/);
  });

  it("A job of another account may read every file and gain no other right", () => {
    const unit = content(renderPlan(job(), facts("1.9.14", { account: APP })), ".service");
    assert.match(unit, /^User=app\nAmbientCapabilities=CAP_DAC_READ_SEARCH$/m);
    assert.match(unit, /^NoNewPrivileges=yes$/m);
  });

  it("Hooks, database dumps and commands of borgmatic may use sudo", () => {
    const open = [
      { hooks: { before: ["sudo true"] } },
      { borgmatic: { postgresql_databases: [{ name: "all" }] } },
      { borgmatic: { commands: [] } },
      { borgmatic: { before_actions: ["true"] } },
    ];
    for (const change of open) {
      const unit = content(renderPlan(job(change), facts()), ".service");
      assert.doesNotMatch(unit, /NoNewPrivileges|CapabilityBoundingSet|SystemCallFilter|RestrictSUIDSGID/);
      assert.match(unit, /^ProtectSystem=strict$/m);
    }
  });

  it("A job that backs up /tmp sees the real one", () => {
    assert.doesNotMatch(content(renderPlan(job({ paths: ["/var/tmp/x"] }), facts()), ".service"), /PrivateTmp/);
    assert.match(content(renderPlan(job({ paths: ["/tmpfiles"] }), facts()), ".service"), /PrivateTmp=yes/);
  });

  it("A local repository is writable", () => {
    const unit = content(renderPlan(job({ repository: '/mnt/a "b" 5%' }), facts()), ".service");
    assert.match(unit, /^ReadWritePaths=-"\/mnt\/a \\"b\\" 5%%"$/m);
  });

  it("serviceOptions replace lines of the unit, and writable paths add to it", () => {
    const serviceOptions = { Nice: "0", ReadWritePaths: "/var/backups", ExecCondition: "/usr/bin/true" };
    const unit = content(renderPlan(job({ repository: "/mnt/repo", serviceOptions }), facts()), ".service");
    assert.match(unit, /^Nice=0$/m);
    assert.doesNotMatch(unit, /^Nice=19$/m);
    assert.match(unit, /^ReadWritePaths=-"\/mnt\/repo"\n[\s\S]*^ReadWritePaths=\/var\/backups$/m);
    assert.match(unit, /^ExecCondition=\/usr\/bin\/true$/m);
  });

  it("A timer catches up after the machine was off and waits for the network", () => {
    const plan = renderPlan(job(), facts());
    assert.equal(plan.schedule.timer, "borgbase-web.timer");
    assert.match(content(plan, ".timer"), /^Persistent=yes$/m);
    assert.match(content(plan, ".service"), /^Wants=network-online.target\nAfter=network-online.target$/m);
    assert.doesNotMatch(content(plan, ".timer"), /RandomizedDelaySec/);
  });

  it("A job without a schedule has a service and no timer", () => {
    const { schedule } = renderPlan(job({ schedule: "none" }), facts());
    assert.deepEqual(
      schedule.files.map(({ path }) => path),
      ["/etc/systemd/system/borgbase-web.service"],
    );
    assert.equal(schedule.timer, undefined);
    assert.deepEqual(renderPlan(job({ schedule: "none", scheduler: "cron" }), facts()).schedule.files, []);
  });

  it("A flock without a limit waits without one", () => {
    const plan = renderPlan(job(), facts("1.9.14", { flockHasLimit: false }));
    assert.match(content(plan, ".service"), /^ExecStart=\/usr\/bin\/flock \/var\/lib\/pulumi-borgbase\/lock-root /m);
  });

  it("A host without systemd gets a cron file whose percent signs are escaped", () => {
    const plan = renderPlan(job({ schedule: { at: "03:30" } }), facts("1.7.7", { hasSystemd: false }));
    assert.equal(plan.schedule.scheduler, "cron");
    const cron = content(plan, "/etc/cron.d/borgbase-web");
    assert.match(cron, /^30 3 \* \* \* root umask 077; \/usr\/bin\/flock -w 86400 /m);
    assert.match(cron, /; echo \$\? > \/var\/lib\/pulumi-borgbase\/web\/last-status\n$/);
    assert.doesNotMatch(cron.replace(/\\%/g, ""), /%/);
  });

  it("The same job and facts give the same plan", () => {
    assert.deepEqual(renderPlan(job(), facts()), renderPlan(job(), facts()));
  });
});

describe("Drift of a BackupJob's schedule", () => {
  const unit = (change = {}) => content(renderPlan(job(change), facts()), ".service");
  const timer = (change = {}) => content(renderPlan(job({ schedule: { at: "02:00" }, ...change }), facts()), ".timer");

  it("A changed unit shows the lines that differ as serviceOptions", () => {
    const found = unit({ serviceOptions: { Nice: "5" } });
    assert.deepEqual(foundServiceOptions(found, unit(), {}), { Nice: "5" });
    assert.deepEqual(foundServiceOptions(unit(), found, { Nice: "5" }), { Nice: "19" });
    const without = unit().replace("PrivateTmp=yes\n", "");
    assert.deepEqual(foundServiceOptions(without, unit(), { Nice: "19" }), {
      Nice: "19",
      PrivateTmp: "the line is gone",
    });
    const other = unit().replace("Wants=network-online.target\n", "");
    assert.deepEqual(foundServiceOptions(other, unit(), {}), { "[Unit]": "other lines are there" });
    assert.deepEqual(foundServiceOptions(undefined, unit(), {}), { "[Service]": "the unit is gone" });
  });

  it("A changed timer shows its times as the schedule, and a missing one none", () => {
    assert.deepEqual(foundTimerSchedule(timer({ schedule: { at: "04:00" } }), timer()), {
      onCalendar: "*-*-* 04:00:00",
    });
    assert.equal(foundTimerSchedule(undefined, timer()), "none");
    const other = timer().replace("Persistent=yes", "Persistent=no");
    assert.deepEqual(foundTimerSchedule(other, timer()), { onCalendar: "*-*-* 02:00:00 and other lines" });
  });

  it("A changed cron file shows its fields as the schedule, and a missing one none", () => {
    const cron = (at: string) => {
      const plan = renderPlan(job({ schedule: { at }, scheduler: "cron" }), facts());
      return content(plan, "/etc/cron.d/borgbase-web");
    };
    assert.deepEqual(foundCronSchedule(cron("04:00"), cron("02:00")), { cron: "0 4 * * *" });
    assert.equal(foundCronSchedule(undefined, cron("02:00")), "none");
    assert.equal(foundCronSchedule(cron("02:00").replace(/^0 2/m, "#0 2"), cron("02:00")), "none");
    const other = cron("02:00").replace("create", "list");
    assert.deepEqual(foundCronSchedule(other, cron("02:00")), { cron: "0 2 * * * and another command" });
  });
});
