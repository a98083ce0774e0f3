import { readFileSync } from "node:fs";
import { join } from "node:path";
import { KEYS, PROJECT, resourcesIn } from "./programs";
import type { Operation } from "./samples";

/** A command line tool that carries out a program. */
export interface Tool {
  command: string;
  /** Its commands before the first operation. */
  setup: readonly string[][];
  operations: Record<Operation, string[]>;
  /** @param home its own files, shared by all stacks */
  env(folder: string, home: string): NodeJS.ProcessEnv;
  stateFile(folder: string): string;
  /** Resources of a program in its state, without providers. */
  resourcesIn(stateFile: string): StateResource[];
  /** Number of resources in a program of this size. */
  expected(size: number): number;
}

export interface StateResource {
  type: string;
  inputs?: unknown;
  outputs?: unknown;
}

const STACK = "bench";
const UNATTENDED = ["--non-interactive", "--suppress-outputs", "--suppress-progress"];
const pulumi = (...args: string[]) => [...args, ...UNATTENDED];

const PULUMI: Tool = {
  command: "pulumi",
  setup: [["stack", "init", STACK]],
  operations: {
    "first up": pulumi("up", "--yes", "--skip-preview"),
    "no-op up": pulumi("up", "--yes", "--skip-preview", "--expect-no-changes"),
    preview: pulumi("preview", "--expect-no-changes"),
    refresh: pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes"),
    "drift check": pulumi("refresh", "--preview-only", "--expect-no-changes"),
    change: pulumi("up", "--yes", "--skip-preview"),
    destroy: pulumi("destroy", "--yes", "--skip-preview"),
  },
  env: (folder, home) => ({
    PULUMI_HOME: home,
    PULUMI_BACKEND_URL: `file://${join(folder, "backend")}`,
    PULUMI_CONFIG_PASSPHRASE: "bench",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    NO_COLOR: "1",
  }),
  stateFile: (folder) => join(folder, "backend", ".pulumi", "stacks", PROJECT, `${STACK}.json`),
  resourcesIn(stateFile) {
    const { checkpoint } = JSON.parse(readFileSync(stateFile, "utf8")) as PulumiState;
    const resources = checkpoint.latest?.resources ?? [];
    return resources.filter(({ custom, type }) => custom && !type.startsWith("pulumi:providers:"));
  },
  expected: resourcesIn,
};

interface PulumiState {
  checkpoint: { latest?: { resources?: (StateResource & { custom: boolean })[] } };
}

/** Pulumi reads the remote in a refresh only, so the others go without it. A plan with changes would exit with 2. */
const WITHOUT_REFRESH = "-refresh=false";
const UNCHANGED = ["-input=false", "-no-color", "-detailed-exitcode"];
const apply = (...options: string[]) => ["apply", "-auto-approve", "-input=false", "-no-color", ...options];

const TOFU: Tool = {
  command: "tofu",
  setup: [],
  operations: {
    "first up": apply(),
    "no-op up": apply(WITHOUT_REFRESH),
    preview: ["plan", WITHOUT_REFRESH, ...UNCHANGED],
    refresh: apply("-refresh-only"),
    "drift check": ["plan", "-refresh-only", ...UNCHANGED],
    change: apply(WITHOUT_REFRESH),
    destroy: ["destroy", "-auto-approve", "-input=false", "-no-color"],
  },
  env: (folder) => ({ TF_CLI_CONFIG_FILE: join(folder, "tofu.rc"), CHECKPOINT_DISABLE: "true" }),
  stateFile: (folder) => join(folder, "terraform.tfstate"),
  resourcesIn: (stateFile) => (JSON.parse(readFileSync(stateFile, "utf8")) as { resources: StateResource[] }).resources,
  expected: (size) => size + KEYS,
};

export const TOOLS = { pulumi: PULUMI, tofu: TOFU };
