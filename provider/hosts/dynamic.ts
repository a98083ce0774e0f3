/*
 * Pulumi's dynamic provider host for Node. The state of every resource names this file's entry of the package,
 * `pulumi-borgbase/dynamic`, and its function `host`: neither may ever move.
 */
import type { dynamic } from "@pulumi/pulumi";
import { ProviderError } from "../errors";
import { lazy } from "../lazy";
import { check, create, diff, moveState, type Properties, read, remove, update } from "../lifecycle";
import type { Context } from "../lifecycle/resource";
import { resourceOf } from "../registry";
import { type ProviderSettings, settingsFrom } from "../settings";
import { connectionFor, contextFor, type Origin, originOfUrn } from "./connection";
import { captureDeleteUrn, PROVIDER_TEXT, project, readRequestsLazily } from "./dynamicHostInternals";
import { exitWithEngine } from "./engineWatch";
import { withExpectedErrors } from "./expectedErrors";
import { applyIgnoreChanges, optionFailures } from "./options";
import { fromEngine, toEngine } from "./values";

/** `STACK/NAME` of the resource. Set by the SDK, as the host passes no URN. In the inputs only. */
const ORIGIN = "__origin";
/** Types of the resource's parents, `A$B`. Set by the SDK where there are any. In the inputs only. */
const PARENTS = "__parents";
/** Options of the resource. Set by the SDK, as the host passes none. In the inputs only. */
const IGNORE_CHANGES = "__ignoreChanges";
const REPLACE_ON_CHANGES = "__replaceOnChanges";
const HIDDEN = [ORIGIN, PARENTS, IGNORE_CHANGES, REPLACE_ON_CHANGES];

/** The provider of one resource type. */
export function host(type: string): dynamic.ResourceProvider {
  exitWithEngine();
  readRequestsLazily();
  const resource = resourceOf(type);
  let settings: ProviderSettings = {};
  const connection = lazy(() => connectionFor(settings));
  const contextOf = (origin: Origin | undefined, inputs: Properties = {}): Context =>
    contextFor(connection(), origin, {
      replaceOnChanges: stringsIn(inputs[REPLACE_ON_CHANGES]),
      log: (line) => console.log(line),
    });
  const contextFrom = (inputs: Properties) => contextOf(originIn(inputs), inputs);

  return {
    // Synchronous: the host calls the next method without awaiting this one.
    async configure({ config }) {
      settings = settingsFrom((name) => config.get(`borgbase:${name}`));
    },

    check: (olds, news) =>
      withExpectedErrors(async () => {
        const { inputs, failures } = await check(resource, stripHidden(olds), stripHidden(news), contextFrom(news));
        const hidden = Object.fromEntries(HIDDEN.filter((name) => name in news).map((name) => [name, news[name]]));
        const unusable = optionFailures({
          ignoreChanges: stringsIn(news[IGNORE_CHANGES]),
          replaceOnChanges: stringsIn(news[REPLACE_ON_CHANGES]),
        });
        return { inputs: { ...toEngine(inputs), ...hidden }, failures: [...failures, ...unusable] };
      }),

    diff: (id, olds, news) =>
      withExpectedErrors(async () => {
        const state = stripHidden(olds);
        const { changed, replaces } = await diff(resource, id, state, managedInputs(state, news), contextFrom(news));
        // An update renews the provider text of another release. It sends nothing where all values are equal.
        return {
          changes: changed.length > 0 || olds[PROVIDER_TEXT] !== news[PROVIDER_TEXT],
          replaces,
          ...(resource.deletesBeforeReplace && { deleteBeforeReplace: true }),
        };
      }),

    create: (inputs) =>
      withExpectedErrors(async () => {
        const { id, state } = await create(resource, stripHidden(inputs), contextFrom(inputs));
        return { id, outs: state };
      }),

    read: (id, props) =>
      withExpectedErrors(async () => {
        const before = stripHidden(props);
        const state = await read(resource, id, before, contextOf(undefined));
        if (state) return { id, props: state };
        // Only the id is known: the program calls `get`. The host adds its text to an empty answer, so the engine would
        // take that for an object without values.
        if (Object.keys(before).length === 0) throw new ProviderError("notFound", `There is no ${type} ${id}.`);
        return {} as dynamic.ReadResult;
      }),

    update: (id, olds, news) =>
      withExpectedErrors(async () => {
        const [state, context] = [stripHidden(olds), contextFrom(news)];
        const inputs = managedInputs(state, news);
        // A state of the plugin has no provider text.
        const isMoved = olds[PROVIDER_TEXT] === undefined;
        return { outs: await (isMoved ? moveState : update)(resource, id, state, inputs, context) };
      }),

    // The host reads this property right before it calls the method, so the URN captured is this deletion's.
    get delete() {
      const urn = captureDeleteUrn();
      return (id: string, props: Properties) => {
        const origin = originOfUrn(urn() ?? "");
        const context = contextOf(origin && { ...origin, project: project() });
        return withExpectedErrors(() => remove(resource, id, stripHidden(props), context));
      };
    },
  };
}

/** A stack's name contains no slash; a resource's name may. */
function originIn({ [ORIGIN]: origin, [PARENTS]: given }: Properties): Origin | undefined {
  if (typeof origin !== "string") return undefined;
  const slash = origin.indexOf("/");
  const parents = typeof given === "string" ? given : "";
  return { project: project(), stack: origin.slice(0, slash), parents, name: origin.slice(slash + 1) };
}

/** The engine's values without the host's own, unknown values as `UNKNOWN`. */
function stripHidden(values: Properties): Properties {
  const visible = { ...values };
  for (const name of [PROVIDER_TEXT, ...HIDDEN]) delete visible[name];
  return fromEngine(visible);
}

function managedInputs(state: Properties, news: Properties): Properties {
  return applyIgnoreChanges(stripHidden(news), state, stringsIn(news[IGNORE_CHANGES]));
}

function stringsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
