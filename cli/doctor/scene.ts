import type { ConfigMap, LocalWorkspace } from "@pulumi/pulumi/automation";
import { isKind } from "../../provider/errors";
import { lazy } from "../../provider/lazy";
import type { ProviderSettings } from "../../provider/settings";
import {
  type BorgBaseService,
  keyOf,
  type Service,
  servicesOf,
  servicesOfStack,
  settingsOfProvider,
} from "../services";
import { openWorkspace, projectFolder, readDeployment, reasonOf, type StateResource, settingsIn } from "../stack";
import { Skipped } from "./finding";

export interface Project {
  /** Folder of the project file. */
  folder: string;
  name: string;
  /** Name of the language, as `nodejs`. */
  runtime: string;
  /** Folder of the program, relative to the project's. */
  main: string;
  /** Whether the project file says where the plugin is. */
  ownPlugin: boolean;
}

export interface StackState {
  name: string;
  backend: string;
  configuration: ConfigMap;
  resources: StateResource[];
  pendingOperations: { type: string; urn: string }[];
}

/** The account behind a token. */
export type Owner =
  /** The token may read everything: its level is Read Only or Full Access. */
  | { level: "reads"; username: string; plan: string | undefined }
  /** The token may list, and may not tell whose account it is. */
  | { level: "createOnly" };

export interface Account {
  service: BorgBaseService;
  /** Asked once. @throws ProviderError */
  owner(): Promise<Owner>;
}

/** What several checks need. Each fact is read once, on first use. A rejection has one line. */
export interface Scene {
  workspace(): Promise<LocalWorkspace>;
  project(): Promise<Project>;
  state(): Promise<StackState>;
  /** Accounts and servers of configuration, state and environment. Without a readable stack: of the environment alone. */
  services(): Promise<Service[]>;
  accounts(): Promise<Account[]>;
  /** The account or server of a resource, by its provider in the state. */
  serviceOf(resource: StateResource): Promise<Service | undefined>;
}

/** Milliseconds. A person waits for the doctor. */
export const REQUEST_TIMEOUT = 15_000;
const REQUESTS = { timeout: REQUEST_TIMEOUT, retry: { baseDelay: 250, maxDelay: 1_000, maxElapsed: 2_000 } };

export function openScene(folder: string, stackName: string | undefined): Scene {
  const inProject = projectFolder(folder);
  const workspace = lazy(async () => {
    if (inProject === undefined) throw OUTSIDE;
    return oneLine(openWorkspace(inProject, { PULUMI_SKIP_UPDATE_CHECK: "true" }));
  });
  const project = lazy(async () => readProject(inProject, await workspace()));
  const state = lazy(async () => readState(await workspace(), stackName));
  const services = lazy(async () => {
    // The check of the stack reports the reason.
    const seen = await state().catch(() => undefined);
    return servicesOfStack(seen ? settingsIn(seen.configuration) : {}, seen?.resources ?? [], REQUESTS);
  });
  const accounts = lazy(async () =>
    (await services()).flatMap((service) =>
      service.kind === "borgBase" ? { service, owner: lazy(() => ownerOf(service)) } : [],
    ),
  );
  const byProvider = lazy(async () => {
    const [{ resources }, known] = await Promise.all([state(), services()]);
    const entries = resources.flatMap((resource) => {
      const settings = settingsOfProvider(resource);
      return settings ? [[resource.urn, known.filter((each) => serves(each, settings))] as const] : [];
    });
    return new Map(entries);
  });
  const serviceOf = async ({ type, provider = "" }: StateResource) => {
    const kind = type.startsWith("borgbase:borgui:") ? "borgUi" : "borgBase";
    const candidates = (await byProvider()).get(provider.slice(0, provider.lastIndexOf("::"))) ?? [];
    return candidates.find((each) => each.kind === kind);
  };
  return { workspace, project, state, services, accounts, serviceOf };
}

/** Whether a provider with these settings uses the service; without a login of its own, any of the address. */
function serves(service: Service, settings: ProviderSettings): boolean {
  return servicesOf([settings]).some(
    (each) => keyOf(each) === keyOf(service) || (!each.login && each.address === service.address),
  );
}

const OUTSIDE = new Skipped(
  "not checked: there is no Pulumi project here",
  "run it in the folder of a project, or name the folder with --cwd",
);

async function readProject(folder: string | undefined, workspace: LocalWorkspace): Promise<Project> {
  if (folder === undefined) throw OUTSIDE;
  const { name, runtime, main = ".", ...others } = await oneLine(workspace.projectSettings());
  const plugins = (others as { plugins?: { providers?: { name?: string }[] } }).plugins?.providers ?? [];
  return {
    folder,
    name,
    runtime: typeof runtime === "object" ? runtime.name : (runtime ?? "no language"),
    main,
    ownPlugin: plugins.some((plugin) => plugin.name === "borgbase"),
  };
}

async function readState(workspace: LocalWorkspace, stackName: string | undefined): Promise<StackState> {
  return oneLine(
    (async () => {
      const name = stackName ?? (await workspace.stack())?.name;
      if (name === undefined) {
        throw new Skipped("not checked: no stack is selected", "name one with --stack, or run `pulumi stack select`");
      }
      const [{ deployment }, configuration, { url }] = await Promise.all([
        workspace.exportStack(name),
        workspace.getAllConfig(name),
        workspace.whoAmI(),
      ]);
      return { name, configuration, backend: url ?? "an unnamed backend", ...readDeployment(deployment) };
    })(),
  );
}

async function ownerOf({ api }: BorgBaseService): Promise<Owner> {
  try {
    const { username, activePlan } = await api.account.me();
    return { level: "reads", username, plan: activePlan?.name };
  } catch (error) {
    if (!isKind(error, "permission")) throw error;
    await api.keys.all();
    return { level: "createOnly" };
  }
}

/** The Pulumi CLI fails with pages of text. */
async function oneLine<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof Skipped ? error : new Error(reasonOf(error));
  }
}
