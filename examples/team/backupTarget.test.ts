import { strict as assert } from "node:assert";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";

const made: Record<string, Record<string, unknown>> = {};

// Before the component is loaded, so that nothing asks Pulumi's engine.
void pulumi.runtime.setMocks({
  newResource: ({ type, name, inputs }) => {
    made[`${type} ${name}`] = inputs;
    return { id: `${name}-id`, state: { ...inputs, repoPath: `ssh://${name}@example.com/./repo` } };
  },
  call: ({ inputs }) => inputs,
});

const resolved = <T>(output: pulumi.Output<T>) => new Promise<T>((resolve) => output.apply(resolve));

test("a machine's own key may only add to its repository, and the admin's may do everything", async () => {
  const { BackupTarget } = await import("./backupTarget.ts");
  const target = new BackupTarget("web-1", { adminKey: "admin-id", alertDays: 1 });

  assert.equal(await resolved(target.repoPath), "ssh://web-1@example.com/./repo");
  const repo = made["borgbase:index:Repo web-1"];
  assert.deepEqual(repo?.appendOnlyKeys, ["web-1-id"]);
  assert.deepEqual(repo?.fullAccessKeys, ["admin-id"]);
});
