// `npm run bench`: measures Pulumi's commands on stacks of this package, beside baselines whose providers do nothing.
//   npm run bench                              full run, about an hour: writes docs/benchmark.md and .svg
//   npm run bench -- --quick                   10 and 100 repositories: writes into .local/bench
//   npm run bench -- --sizes 300 --subjects sameOutputs,dynamicHost,plugin --operations "refresh,drift check" --repeat 2
//   npm run bench -- --hosts 50                a refresh of 50 backup jobs beside one of 50 SSH connections
// YAML joins once the tests have built its language host. OpenTofu joins where PATH has `tofu` and
// `terraform-provider-borgbase`, the provider gjabell/borgbase.
import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { languagesFolder } from "./setup/languages.mjs";
import { MACHINES, prepareMachines } from "./setup/machines.mjs";
import { ROOT } from "./setup/paths.mjs";
import { runMain } from "./setup/progress.mjs";
import { environment, setUp } from "./setup.mjs";

await runMain(async () => {
  await setUp([]);
  const env = environment();
  env.PATH += delimiter + languagesFolder();
  // No subject may use an account of the developer's shell.
  for (const name of Object.keys(env))
    if (/^(BORGBASE|PULUMI_(CONFIG|SKIP_CHECKPOINTS|STACK))/.test(name)) delete env[name];
  if (process.argv.includes("--hosts")) {
    env.TEST_MACHINES = MACHINES;
    await prepareMachines();
  }
  const main = join(ROOT, "dist", "bench", "main.js");
  const child = spawn("node", ["--enable-source-maps", main, ...process.argv.slice(2)], {
    cwd: ROOT,
    env,
    stdio: "inherit",
  });
  process.exitCode = await new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
});
