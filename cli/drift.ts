import type { EngineEvent, StepEventMetadata } from "@pulumi/pulumi/automation";
import { CWD, defineCommand, STACK } from "./command";
import type { Orphan } from "./orphans";
import { oneLine, openStack, reasonOf } from "./stack";
import { table } from "./table";
import { type Step, withProgress } from "./terminal";
import { amount } from "./text";

/** Difference between the state and the real object of one resource. */
interface Drift {
  type: string;
  name: string;
  /** `gone`: the object was deleted. */
  kind: "changed" | "gone";
  properties: { property: string; state: unknown; actual: unknown }[];
}

interface Result {
  status: "clean" | "drifted" | "unknown";
  drifted: Drift[];
  /** Objects of interrupted runs, which exist in the account and not in the state. */
  orphans: Orphan[];
  /** Reasons for the status `unknown`, one line each. */
  errors: string[];
}

const EXIT = { clean: 0, drifted: 2, unknown: 1 };

export default defineCommand({
  usage: "pulumi-borgbase drift [OPTIONS]",
  about: `Compares a stack's state with the real objects, and changes neither. An object that an interrupted run on this machine
created counts as drift while the state lacks it.`,
  options: {
    stack: STACK,
    cwd: CWD,
    json: { type: "boolean", default: false, help: "Print one JSON document instead of a table" },
  },
  notes: "Exit codes: 0 no drift, 2 drift, 1 unknown, 64 wrong command line.",
  example: "pulumi-borgbase drift --stack prod --json",
  run: async ({ cwd, stack, json }) => {
    const result = await withProgress("Reading the stack", (step) => compare(cwd, stack, step));
    process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : report(result));
    return EXIT[result.status];
  },
});

async function compare(workDir: string, stackName: string | undefined, step: Step): Promise<Result> {
  const drifted: Drift[] = [];
  const orphans: Orphan[] = [];
  const errors: string[] = [];
  const unknown = (...lines: string[]): Result => ({ status: "unknown", drifted, orphans, errors: lines });
  try {
    const stack = await openStack(workDir, stackName);
    if (!stack) return unknown("no stack is selected: name one with --stack");
    let compared = 0;
    step(`Comparing the stack ${stack.name} with the real objects`);
    await stack.previewRefresh({
      color: "never",
      onEvent: ({ resOutputsEvent, diagnosticEvent }: EngineEvent) => {
        if (resOutputsEvent) step(`Comparing the stack ${stack.name} with the real objects: ${++compared} compared`);
        const found = resOutputsEvent && differences(resOutputsEvent.metadata);
        if (found) drifted.push(found);
        if (diagnosticEvent?.severity === "error") errors.push(oneLine(diagnosticEvent.message));
      },
    });
    step("Looking for objects of interrupted runs");
    const { orphansOf } = await import("./orphans.js");
    orphans.push(...(await orphansOf(stack)));
  } catch (error) {
    // The engine's last line only repeats that the preview failed.
    const causes = errors.filter((line) => !/^(error: )?(preview|update|refresh) failed$/.test(line));
    return unknown(...(causes.length > 0 ? new Set(causes) : [reasonOf(error)]));
  }
  return { status: drifted.length + orphans.length > 0 ? "drifted" : "clean", drifted, orphans, errors };
}

function differences(step: StepEventMetadata): Drift | undefined {
  const [type = "", name = ""] = step.urn.split("::").slice(-2);
  if (step.op === "delete" || step.op === "discard") return { type, name, kind: "gone", properties: [] };
  if (step.op !== "update") return undefined;
  const [state, actual] = [step.old?.outputs ?? {}, step.new?.outputs ?? {}];
  const properties = [...new Set([...Object.keys(state), ...Object.keys(actual)])]
    .filter(
      (property) => !property.startsWith("__") && JSON.stringify(state[property]) !== JSON.stringify(actual[property]),
    )
    .sort()
    .map((property) => ({ property, state: state[property] ?? null, actual: actual[property] ?? null }));
  return { type, name, kind: "changed", properties };
}

function report({ status, drifted, orphans, errors }: Result): string {
  if (status === "clean") return "Nothing has drifted.\n";
  const parts: string[] = [];
  if (drifted.length > 0) {
    const rows = drifted.flatMap(({ type, name, kind, properties }) =>
      kind === "gone"
        ? [[type, name, "", "exists", "gone"]]
        : properties.map(({ property, state, actual }) => [type, name, property, show(state), show(actual)]),
    );
    parts.push(table(["Type", "Name", "Property", "State", "Actual"], rows));
    const count = `${amount(drifted.length, "resource has", "resources have")} drifted.`;
    if (status === "drifted") parts.push(`${count} \`pulumi up --refresh\` puts back what the program declares.`);
  }
  if (orphans.length > 0) {
    const rows = orphans.map(({ type, name, id, toldBy }) => [type, name, id, toldBy]);
    parts.push(table(["Type", "Name", "In the account", "Told by"], rows));
    const count = `${amount(orphans.length, "object")} of interrupted runs the state does not know.`;
    parts.push(
      `${count} \`pulumi up\` takes up what the program still declares; delete the rest, or declare it with existingId.`,
    );
  }
  if (status === "unknown") {
    const lines = errors.map((line) => `\n  ${line}`).join("");
    parts.push(`It could not be told whether anything has drifted:${lines}`);
  }
  return `${parts.join("\n\n")}\n`;
}

function show(value: unknown): string {
  return value === null ? "none" : JSON.stringify(value);
}
