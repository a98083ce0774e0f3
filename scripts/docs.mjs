// `npm run docs`: builds the documentation site into docs/.vitepress/dist. A dead link fails the build.
//   npm run docs -- --watch       serves it on this machine, and follows changes of the Markdown
// Its generator is installed on first use, in docs/: nobody else needs it.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { installPackages } from "./setup/packages.mjs";
import { ROOT } from "./setup/paths.mjs";
import { Problem, run, runMain, step } from "./setup/progress.mjs";

const FOLDER = join(ROOT, "docs");
const VITEPRESS = join(FOLDER, "node_modules", "vitepress", "bin", "vitepress.js");

await runMain(async () => {
  const args = process.argv.slice(2);
  if (args.length > 0 && args.join() !== "--watch") throw new Problem("Usage: npm run docs [-- --watch]");
  await installPackages(FOLDER, ["--ignore-scripts"]);
  if (args.length > 0) {
    spawn(process.execPath, [VITEPRESS, "dev", FOLDER], { stdio: "inherit" });
    return;
  }
  const problem = "the documentation site cannot be built; the reason is above";
  await step("Building the documentation site", () => run(process.execPath, [VITEPRESS, "build", FOLDER], { problem }));
  process.stdout.write("\nThe site is in docs/.vitepress/dist\n");
});
