import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { InvokeRequest, type InvokeResponse } from "@pulumi/pulumi/proto/provider_pb";
import { startAccount } from "../../support/account";
import { until } from "../../support/processes";
import { ROOT } from "../../support/project";
import { valuesOf } from "./support/pluginClient";

/** The engine sends SIGINT at the end of every command, and waits five seconds for the end of the process. */
describe("Process of the plugin", () => {
  let account: Awaited<ReturnType<typeof startAccount>>;
  let plugin: ChildProcess;
  let client: ResourceProviderClient;

  beforeEach(async () => {
    account = await startAccount();
    const file = join(ROOT, "plugin", "pulumi-resource-borgbase");
    plugin = spawn(file, [], { env: { ...process.env, ...account.env }, stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(plugin.stdout as NonNullable<ChildProcess["stdout"]>, "data");
    client = new ResourceProviderClient(`127.0.0.1:${String(line).trim()}`, credentials.createInsecure());
  });
  afterEach(async () => {
    client.close();
    plugin.kill("SIGKILL");
    await account.emulator.close();
  });

  const interrupt = async () => {
    const ended = once(plugin, "exit");
    plugin.kill("SIGINT");
    return ended;
  };

  it("The process ends at the engine's signal", async () => {
    assert.deepEqual(await interrupt(), [0, null]);
  });

  it("The process answers a call under way before it ends", async () => {
    account.emulator.control.setLatency(300);
    const answered = new Promise<InvokeResponse>((resolve, reject) => {
      const request = new InvokeRequest().setTok("borgbase:index:getAccount");
      client.invoke(request, (error, response) => (error ? reject(error) : resolve(response)));
    });
    await until(() => account.emulator.control.counters().requests > 0, 30, "the account is asked for");
    const ended = interrupt();
    assert.equal(valuesOf((await answered).getReturn()).username, "demo@example.com");
    assert.deepEqual(await ended, [0, null]);
  });
});
