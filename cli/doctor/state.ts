import { messageOf } from "../../provider/errors";
import { nameOf } from "../../provider/token";
import { keyOf, type Service } from "../services";
import { nameIn, type StateResource } from "../stack";
import { amount } from "../text";
import { type Check, listed, needed, type Outcome, ok, outcomeOf, problem, Skipped } from "./finding";
import type { Scene } from "./scene";

/** The stack's state, and whether its objects exist. */
export function stateChecks(scene: Scene): Check[] {
  return [
    { name: "stack", run: () => stack(scene) },
    { name: "pending-operations", run: () => pendingOperations(scene) },
    { name: "objects", run: () => objects(scene) },
  ];
}

async function stack(scene: Scene): Promise<Outcome> {
  await needed(scene.workspace(), "the Pulumi CLI");
  try {
    const { name, backend, resources } = await scene.state();
    const ours = resources.filter(isOurs).length;
    return ok(`${name} at ${backend}, with ${amount(ours, "resource")} of this provider`);
  } catch (error) {
    if (error instanceof Skipped) throw error;
    return problem(
      `the state cannot be read: ${messageOf(error)}`,
      "check the name with `pulumi stack ls`, the backend with `pulumi whoami --verbose`, and the passphrase or key of its secrets",
    );
  }
}

async function pendingOperations(scene: Scene): Promise<Outcome> {
  const { pendingOperations: operations } = await needed(scene.state(), "the stack's state");
  if (operations.length === 0) return ok("none in the state");
  const names = operations.map(({ type, urn }) => `${type} ${titleOf(urn)}`);
  return problem(
    `an interrupted run left in the state: ${listed(names)}`,
    "run `pulumi refresh`, and clear the creates that it asks about: the next `pulumi up` takes up what they made",
  );
}

async function objects(scene: Scene): Promise<Outcome[]> {
  const { resources } = await needed(scene.state(), "the stack's state");
  const inUse = new Map<string, { service: Service; own: StateResource[] }>();
  for (const resource of resources.filter((each) => isOurs(each) && !each.delete)) {
    const service = await scene.serviceOf(resource);
    if (!service || !isObjectOf(service, resource)) continue;
    const used = inUse.get(keyOf(service)) ?? { service, own: [] };
    used.own.push(resource);
    inUse.set(keyOf(service), used);
  }
  if (inUse.size === 0) return [ok("the state has none of an account or server")];
  const found = [...inUse.values()].map(({ service, own }) => existing(scene, service, own).catch(outcomeOf));
  return Promise.all(found);
}

async function existing(scene: Scene, service: Service, own: StateResource[]): Promise<Outcome> {
  const where = service.kind === "borgBase" ? "the account" : `the Borg UI server ${service.address}`;
  const [found, username] = await needed(
    Promise.all([service.objects(), usernameOf(scene, service)]),
    `an answer from ${where}`,
  );
  // Another account's token shows none of the objects: the check of the account reports that.
  const visible = own.filter(({ outputs }) => [undefined, username].includes(outputs.__account as string | undefined));
  if (visible.length < own.length && username !== undefined) {
    throw new Skipped("not checked: the token is of another account", "use a token of the account that owns them");
  }
  const present = new Set(Object.entries(found).flatMap(([kind, items]) => items.map(({ id }) => `${kind} ${id}`)));
  const absent = own.filter(({ type, id = "" }) => !present.has(`${nameOf(type)} ${id}`));
  if (absent.length === 0) return ok(`all ${own.length} that the stack has in ${where} exist`);
  return problem(
    `in the state, and not in ${where}: ${listed(absent.map(({ urn, id }) => `${titleOf(urn)} (${id})`))}`,
    "run `pulumi refresh`; the next `pulumi up` then creates what the program still declares, without its old backups",
  );
}

/** Undefined for a server, and for a token that may not tell whose account it is. */
async function usernameOf(scene: Scene, service: Service): Promise<string | undefined> {
  const account = (await scene.accounts()).find((each) => keyOf(each.service) === keyOf(service));
  const owner = await account?.owner();
  return owner?.level === "reads" ? owner.username : undefined;
}

const OBJECTS = {
  borgBase: ["SshKey", "Repo"],
  borgUi: ["borgui.SystemKey", "borgui.Key", "borgui.Connection", "borgui.Repository", "borgui.BackupPlan"],
};

function isObjectOf({ kind }: Service, { type }: StateResource): boolean {
  return OBJECTS[kind].includes(nameOf(type));
}

function isOurs({ type }: StateResource): boolean {
  return type.startsWith("borgbase:");
}

/** `Repo web` from `urn:pulumi:STACK::PROJECT::PARENTS$TYPE::NAME`. */
function titleOf(urn: string): string {
  const [, , types = ""] = urn.split("::");
  return `${nameOf(types.split("$").at(-1) ?? "")} ${nameIn(urn)}`;
}
