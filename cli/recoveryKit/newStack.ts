import { compareNames } from "../order";
import type { Kit } from "./kit";
import { block, code, table } from "./markdown";
import { word, writeText } from "./shell";
import type { KitResource } from "./state";

/** Step 3: a stack that manages the same objects again. */
export function newStack(kit: Kit): string[] {
  const { stack } = kit;
  const heading = "## 3. Manage everything again";
  if (stack === undefined) return [heading, ...withoutProgram(kit)];
  return [
    heading,
    `Run this in the folder of the program of the project ${code(stack.project)}, with its packages installed (\`npm install\`), after \`pulumi login\`. ` +
      "Nothing is created anew: the new stack takes the objects over. Project, stack and resources must have the same names as before.",
    ...token(),
    "### A new stack",
    `Do you have ${code(settingsFile(stack.name))} and its passphrase still? Then run ${code(`pulumi stack init ${stack.name}`)}, and skip the blocks of this section. ` +
      "Else the old file moves away, and the configuration is set again. Pulumi asks for a new passphrase:",
    block("sh", initialise(kit).join("\n")),
    ...configuration(kit),
    ...adoptObjects(kit),
    ...otherwise(kit),
    "### Without the program",
    ...withoutProgram(kit, "Is the program lost too? "),
  ];
}

function token(): string[] {
  return [
    "No token is in this kit. Make one of the level Full Access at <https://www.borgbase.com/account?tab=2>, and set `BORGBASE_TOKEN` to it. " +
      "A Borg UI server needs `BORG_UI_URL` and `BORG_UI_TOKEN` too.",
  ];
}

function settingsFile(stack: string): string {
  return `Pulumi.${stack.split("/").at(-1)}.yaml`;
}

function initialise({ stack }: Kit): string[] {
  const file = word(settingsFile(stack?.name ?? ""));
  return [`[ ! -e ${file} ] || mv ${file} recovery/`, `pulumi stack init ${word(stack?.name ?? "")}`];
}

/** The configuration: secrets from their files, and the token from the environment. */
function configuration({ config, secrets }: Kit): string[] {
  const own: string[] = [];
  const others: string[] = [];
  for (const { key, value, isSecret } of config) {
    const file = secrets.of(value)?.file;
    if (file !== undefined) own.push(`pulumi config set --secret ${word(key)} < recovery/secrets/${word(file)}`);
    else if (key === "borgbase:token") own.push(`printf %s "$BORGBASE_TOKEN" | pulumi config set --secret ${key}`);
    else if (key === "borgbase:borgUiToken") own.push(`printf %s "$BORG_UI_TOKEN" | pulumi config set --secret ${key}`);
    else if (isSecret || secrets.isIn(value)) others.push(`pulumi config set --secret ${word(key)}`);
    else own.push(`pulumi config set --plaintext -- ${word(key)} ${word(value)}`);
  }
  return [
    ...(own.length > 0 ? [block("sh", own.join("\n"))] : []),
    ...(others.length > 0
      ? [
          "Secret configuration of other services, which this kit never holds. Each command asks for it:",
          block("text", others.join("\n")),
        ]
      : []),
  ];
}

/** Arguments that take an object over, by resource. */
interface Adoption {
  resource: KitResource;
  argument: "existingId" | "privateKey";
  /** An id, or the name of a file. */
  value: string;
}

function adoptionsOf({ resources, secrets }: Kit): Adoption[] {
  return resources.flatMap((resource): Adoption[] => {
    const { type, id, inputs, values } = resource;
    if (["Repo", "SshKey"].includes(type) || type.startsWith("borgui.")) {
      return [{ resource, argument: "existingId", value: id }];
    }
    // The program brings an imported key itself.
    const file = secrets.of(values.privateKey)?.file;
    if (type !== "KeyPair" || file === undefined || inputs.privateKey !== undefined) return [];
    return [{ resource, argument: "privateKey", value: file }];
  });
}

function adoptObjects(kit: Kit): string[] {
  const adoptions = adoptionsOf(kit);
  if (adoptions.length === 0) return [];
  const entries = adoptions
    .sort((a, b) => compareNames(a.resource.path, b.resource.path))
    .map(
      ({ resource, argument, value }) =>
        `  ${JSON.stringify(resource.path)}: { ${argument}: ${JSON.stringify(value)} },`,
    );
  return [
    "### The objects",
    "This file tells the program what exists. It serves TypeScript and JavaScript, also within components:",
    block(
      "sh",
      writeText(
        "recovery/take-back.cjs",
        ADOPTION.replace("ENTRIES", () => entries.join("\n")),
      ),
    ),
    "Write this line at the top of the program's main file, before all others (a file in a folder needs `../recovery`):",
    block("ts", 'import "./recovery/take-back.cjs";'),
    "The preview must show no change of an existing object. It says `create`, as the stack does not know the objects yet:",
    block("sh", "pulumi preview"),
    block("sh", "pulumi up --yes --skip-preview"),
    "Remove the line again. The stack must need nothing more:",
    block("sh", "pulumi preview --expect-no-changes"),
  ];
}

const ADOPTION = `// Takes the objects of the lost stack over. For one \`pulumi up\`; remove its import afterwards.
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const pulumi = require("@pulumi/pulumi");

const objects = {
ENTRIES
};

const above = (parent) =>
  !parent || parent.__pulumiType === "pulumi:pulumi:Stack" ? "" : above(parent.__parentResource) + parent.__pulumiType + "$";
const key = (file) => pulumi.secret(readFileSync(join(__dirname, "secrets", file), "utf8"));

pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
  const found = objects[above(opts.parent) + type + "::" + name];
  if (found === undefined) return undefined;
  const { privateKey, existingId } = found;
  return { props: { ...props, ...(privateKey ? { privateKey: key(privateKey) } : { existingId }) }, opts };
});`;

/** What a program in any language has to say, and what needs nothing. */
function otherwise(kit: Kit): string[] {
  const rows = adoptionsOf(kit).map(({ resource: { type, name }, argument, value }) => [
    `${type} ${code(name)}`,
    code(argument),
    argument === "existingId" ? code(value) : `the text of ${code(`recovery/secrets/${value}`)}`,
  ]);
  const notes: string[] = [];
  if (kit.resources.some(({ type }) => type === "KeyPair")) {
    notes.push(
      "- A `KeyPair` whose private key is lost: leave it out here, and its `SshKey` too. The program makes a new pair, and the machine gets it.",
    );
  }
  if (kit.resources.some(({ type }) => type === "BackupJob")) {
    notes.push(
      "- A `BackupJob` needs nothing: its files on the host carry project, stack and name, and a stack of the same names takes them over. " +
        "The repository stays as it is, and the passphrase must be the same. A host without the job gets it anew.",
    );
  }
  if (kit.resources.some(({ type }) => type === "SshConnection")) {
    notes.push("- An `SshConnection` needs nothing: a key that is on the host already stays untouched.");
  }
  return [
    "### In other languages",
    "Give these arguments in the program instead. They may be removed after the deployment.",
    table(["resource", "argument", "value"], rows),
    ...(notes.length > 0 ? [notes.join("\n")] : []),
  ];
}

function withoutProgram({ stack }: Kit, question = ""): string[] {
  return [
    `${question}This writes a program that takes over every key and repository of the account, in a folder with a new project (\`pulumi new typescript\`):`,
    block("text", "npm install pulumi-borgbase\nnpx pulumi-borgbase discover --format typescript --out found.ts"),
    ...(stack
      ? [
          "A `KeyPair` takes its private key as `privateKey`. All other resources are declared anew, from the tables below.",
        ]
      : token()),
  ];
}
