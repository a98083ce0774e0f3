import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { packageVersion, pluginsFolder } from "../plugin";
import { type Check, needed, ok, problem, Skipped, warning } from "./finding";
import { isOlder, which } from "./machine";
import type { Project, Scene } from "./scene";

/** The oldest `@pulumi/pulumi`, as in the dependencies of the package. */
export const OLDEST_SDK = "3.270.0";

/** The project's language, and what its program loads. */
export function programChecks(scene: Scene): Check[] {
  const project = () => needed(scene.project(), "the project's settings");
  return [
    { name: "language", run: async () => language(await project()) },
    { name: "pulumi-sdk", run: async () => sdk(await project()) },
    { name: "package", run: async () => ownPackage(await project()) },
    { name: "plugin", run: async () => plugin(await project(), scene) },
  ];
}

function language({ runtime }: Project) {
  const host = `pulumi-language-${runtime}`;
  const cli = which("pulumi");
  const besideCli = cli !== undefined && [host, `${host}.exe`].some((file) => existsSync(join(dirname(cli), file)));
  const installed = foldersOf(pluginsFolder()).some((name) => name.startsWith(`language-${runtime}-v`));
  if (which(host) === undefined && !besideCli && !installed) {
    return problem(
      `the project is written in ${runtime}, and its language host ${host} is not beside the Pulumi CLI or on the PATH`,
      `install the complete Pulumi CLI, or run \`pulumi plugin install language ${runtime}\``,
    );
  }
  return ok(`${runtime}, with its language host`);
}

function sdk(project: Project) {
  assertNode(project);
  const version = installedVersion("@pulumi/pulumi", project);
  if (version === undefined) {
    return problem(
      "the program's folder has no @pulumi/pulumi",
      "run `npm install @pulumi/pulumi` in the program's folder",
    );
  }
  return isOlder(version, OLDEST_SDK)
    ? problem(
        `@pulumi/pulumi ${version}, and ${OLDEST_SDK} or later is needed`,
        "run `npm install @pulumi/pulumi@latest` in the program's folder",
      )
    : ok(`@pulumi/pulumi ${version}`);
}

/** Pulumi loads the dynamic provider from the program's folder. */
function ownPackage(project: Project) {
  assertNode(project);
  const version = installedVersion("pulumi-borgbase", project);
  if (version === undefined) {
    return problem(
      "the program's folder has no pulumi-borgbase",
      "run `npm install pulumi-borgbase` in the program's folder, also where only a component package uses it",
    );
  }
  return version === packageVersion()
    ? ok(`pulumi-borgbase ${version}`)
    : warning(
        `the program has pulumi-borgbase ${version}, and this doctor is ${packageVersion()}`,
        "run the doctor in the program's folder, as `npx pulumi-borgbase doctor`",
      );
}

async function plugin(project: Project, scene: Scene) {
  const reason = await reasonForPlugin(project, scene);
  if (project.ownPlugin) return ok("the project file names its folder");
  const versions = foldersOf(pluginsFolder()).flatMap(
    (name) => /^resource-borgbase-v([^.]+\.[^.]+\..+)$/.exec(name)?.[1] ?? [],
  );
  const complete = versions.filter((version) => !version.includes(".partial"));
  if (complete.includes(packageVersion())) return ok(`borgbase ${packageVersion()} is installed`);
  if (reason === undefined) throw new Skipped("not needed: the dynamic host serves this stack");
  const seen = complete.length === 0 ? "is not installed" : `is not installed, but ${complete.join(", ")}`;
  return problem(
    `${reason}, and the plugin borgbase ${packageVersion()} ${seen}`,
    "run `npx pulumi-borgbase plugin install`",
  );
}

/** Undefined where the dynamic host serves the stack. */
async function reasonForPlugin({ runtime }: Project, scene: Scene): Promise<string | undefined> {
  if (runtime !== "nodejs" && runtime !== "bun") return `a program in ${runtime} needs the plugin`;
  const state = await scene.state().catch(() => undefined);
  if (state?.configuration["borgbase:plugin"]?.value === "true") return "the stack sets borgbase:plugin";
  const used = state?.resources.some(({ type }) => type === "pulumi:providers:borgbase");
  return used ? "the stack's last `pulumi up` used the plugin" : undefined;
}

function assertNode({ runtime, folder, main }: Project): void {
  if (runtime !== "nodejs" && runtime !== "bun") throw new Skipped(`not needed by a program in ${runtime}`);
  for (const each of [folder, programFolder({ folder, main })]) {
    if (existsSync(join(each, ".pnp.cjs")))
      throw new Skipped("not checked: Yarn Plug'n'Play keeps packages in archives");
  }
}

function programFolder({ folder, main }: Pick<Project, "folder" | "main">): string {
  const path = resolve(folder, main);
  return existsSync(path) && /\.[cm]?[jt]s$/.test(path) ? dirname(path) : path;
}

function installedVersion(name: string, project: Project): string | undefined {
  try {
    const path = createRequire(join(programFolder(project), "index.js")).resolve(`${name}/package.json`);
    return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
  } catch {
    return undefined;
  }
}

function foldersOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
