import { execFile } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import type { ConfigMap, LocalWorkspace, Stack } from "@pulumi/pulumi/automation";
import { z } from "zod";
import { type ProviderSettings, type SettingName, settingsFrom } from "../provider/settings";

/** A resource in a stack's state. */
export interface StateResource {
  type: string;
  urn: string;
  id?: string | undefined;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
  /** URN and id of its provider. */
  provider?: string | undefined;
  /** Whether it waits for its deletion. */
  delete: boolean;
  /** Whether the stack only reads the object (`get`). */
  external: boolean;
}

/**
 * The stack of that name in the folder's project, or the selected one. Undefined without a selected one.
 * @throws an error for {@link reasonOf}
 */
export async function openStack(workDir: string, name: string | undefined): Promise<Stack | undefined> {
  const workspace = await openWorkspace(workDir);
  const stackName = name ?? (await workspace.stack())?.name;
  if (stackName === undefined) return undefined;
  // `pulumi stack select` would change which stack the person's next command takes. Each command here names its own.
  workspace.selectStack = async () => {};
  const { Stack } = await import("@pulumi/pulumi/automation/index.js");
  return Stack.select(stackName, workspace);
}

/**
 * What `read` finds in the named stack of the folder's project, or in the selected one. Undefined outside a project and without a
 * selected stack.
 * @throws an error of one line
 */
export async function fromStack<T>(
  folder: string,
  name: string | undefined,
  read: (stack: Stack) => Promise<T>,
): Promise<T | undefined> {
  try {
    const stack = name !== undefined || isInProject(folder) ? await openStack(folder, name) : undefined;
    return stack && (await read(stack));
  } catch (error) {
    throw new Error(reasonOf(error));
  }
}

/** @throws an error for {@link reasonOf}, also without a Pulumi CLI */
export async function openWorkspace(workDir: string, envVars: Record<string, string> = {}): Promise<LocalWorkspace> {
  assertFolder(workDir);
  const { LocalWorkspace } = await import("@pulumi/pulumi/automation/index.js");
  // A workspace reads its project file in this folder alone.
  return LocalWorkspace.create({ workDir: projectFolder(workDir) ?? workDir, envVars });
}

/** @throws an error of one line */
export function assertFolder(path: string): void {
  if (!isFolder(path)) throw new Error(`there is no folder ${path}: name the project's with --cwd`);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Whether the folder is in a Pulumi project. */
function isInProject(folder: string): boolean {
  return projectFolder(folder) !== undefined;
}

/** The folder of the project file, at or above the folder. */
export function projectFolder(folder: string): string | undefined {
  for (let each = resolve(folder); ; each = dirname(each)) {
    if (["Pulumi.yaml", "Pulumi.yml", "Pulumi.json"].some((file) => existsSync(join(each, file)))) return each;
    if (each === dirname(each)) return undefined;
  }
}

/** Several stacks of a project: what they manage, and the account that one of them uses. */
export interface Stacks {
  /** Undefined outside a project: what a stack manages is unknown then. */
  names: string[] | undefined;
  /** Those of the first named stack, else of the selected or only one; empty without one. */
  settings: ProviderSettings;
  /** Secrets in the inputs stay encrypted, so that no passphrase is needed. */
  resources: (StateResource & { stack: string })[];
}

/**
 * The named stacks of the folder's project, or all of them.
 * @throws an error of one line
 */
export async function readStacks(folder: string, named: readonly string[]): Promise<Stacks> {
  if (named.length === 0 && isFolder(folder) && !isInProject(folder)) {
    return { names: undefined, settings: {}, resources: [] };
  }
  try {
    const workspace = await openWorkspace(folder);
    const listed = named.length > 0 ? [] : await workspace.listStacks();
    const names = [...new Set(named.length > 0 ? named : listed.map(({ name }) => name))];
    const first = named[0] ?? listed.find(({ current }) => current || listed.length === 1)?.name;
    const [settings, resources] = await Promise.all([
      first === undefined ? {} : workspace.getAllConfig(first).then(settingsIn),
      inTurns(names, async (stack) => (await exported(folder, stack)).map((each) => ({ ...each, stack }))),
    ]);
    return { names, settings, resources: resources.flat() };
  } catch (error) {
    throw new Error(reasonOf(error));
  }
}

/** Without `--show-secrets`, which the export of Pulumi's SDK sets. */
async function exported(cwd: string, stack: string): Promise<StateResource[]> {
  const args = ["stack", "export", "--stack", stack, "--non-interactive"];
  const { stdout } = await promisify(execFile)("pulumi", args, { cwd, maxBuffer: 2 ** 30 });
  return exportedState.parse(JSON.parse(stdout)).deployment.resources;
}

/** Some at a time, as each is a process of the Pulumi CLI. */
async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += PROCESSES) {
    results.push(...(await Promise.all(items.slice(start, start + PROCESSES).map(work))));
  }
  return results;
}

const PROCESSES = 4;

export async function resourcesOf(stack: Stack): Promise<StateResource[]> {
  return deployment.parse((await stack.exportStack()).deployment).resources;
}

/** Settings of the stack's configuration, as its default provider gets them. */
export async function settingsOf(stack: Stack): Promise<ProviderSettings> {
  return settingsIn(await stack.getAllConfig());
}

export function settingsIn(configuration: ConfigMap): ProviderSettings {
  return readSettings((name) => configuration[`borgbase:${name}`]?.value);
}

/** Settings from values of configuration or state. */
export function readSettings(read: (name: SettingName) => unknown): ProviderSettings {
  return settingsFrom((name) => {
    const text = plain(read(name));
    return typeof text === "string" ? text : undefined;
  });
}

const secret = z.object({ plaintext: z.string() });

/** A value without its marks of secrets: an export has an object with a JSON text as `plaintext` for each. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const { data } = secret.safeParse(value);
  if (data !== undefined) return plain(JSON.parse(data.plaintext));
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

const values = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform((given) => given ?? {});

const deployment = z.object({
  resources: z
    .array(
      z.object({
        type: z.string(),
        urn: z.string(),
        id: z.string().optional(),
        inputs: values,
        outputs: values,
        provider: z.string().optional(),
        delete: z.boolean().default(false),
        external: z.boolean().default(false),
      }),
    )
    .nullish()
    .transform((resources) => resources ?? []),
});

const exportedState = z.object({ deployment });

/** The last part of `urn:pulumi:STACK::PROJECT::TYPE::NAME`; a name may hold `::`. */
export function nameIn(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

const pending = z.object({
  pending_operations: z.array(z.object({ type: z.string(), resource: z.object({ urn: z.string() }) })).nullish(),
});

/** The resources of an exported state, and the operations that an interrupted run left in it. */
export function readDeployment(exported: unknown) {
  const operations = pending.parse(exported).pending_operations ?? [];
  return {
    resources: deployment.parse(exported).resources,
    pendingOperations: operations.map(({ type, resource }) => ({ type, urn: resource.urn })),
  };
}

/** The reason of a failed command of the Pulumi CLI, in one line. */
export function reasonOf(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error)).split("\n").map((line) => line.trim());
  return oneLine(
    lines.map(adviceForMissingCli).find((line) => line !== undefined) ??
      lines.find((line) => /(^|\W)error: /.test(line)) ??
      lines.filter(Boolean).at(-1) ??
      "no reason was given",
  );
}

/** A message of the engine without its colours, on one line. */
export function oneLine(text: string): string {
  return text
    .replace(/<\{%.*?%\}>/g, "")
    .replace(/\s+/g, " ")
    .replace(/^(error: )?(Preview failed: )?/, "")
    .trim();
}

/** Advice for a failed start of the Pulumi CLI, from the message of Node's `spawn`. */
function adviceForMissingCli(line: string): string | undefined {
  const [, code] = /spawn pulumi(?:\.exe)? (E[A-Z]+)$/.exec(line) ?? [];
  if (code === "ENOENT") {
    return "there is no pulumi on the PATH: install the Pulumi CLI (https://www.pulumi.com/docs/install/), or add its folder to the PATH";
  }
  return (
    code &&
    `the pulumi on the PATH cannot be started (${code}): see that it is the Pulumi CLI, and that it may be executed`
  );
}
