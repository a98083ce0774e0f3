import {
  baselineModule,
  DYNAMIC_BASELINE,
  type Files,
  javascript,
  NOOP_BASELINE,
  REPOSITORIES,
  SAME_OUTPUTS,
  terraform,
  yaml,
} from "./programs";

export const SUBJECT_IDS = [
  "dynamicBaseline",
  "noopBaseline",
  "sameOutputs",
  "dynamicHost",
  "plugin",
  "yaml",
  "terraform",
  "noCheckpoints",
] as const;
export type SubjectId = (typeof SUBJECT_IDS)[number];

/** A compared program with its tool and its provider. */
export interface Subject {
  id: SubjectId;
  title: string;
  tool: "pulumi" | "tofu";
  /** Files of its project, by path. A change of every resource is another number of days. */
  files(size: number, alertDays: number): Files;
  /** Whether its provider sends requests to BorgBase's API. */
  usesApi: boolean;
  /** Whether its provider is the installed plugin. */
  usesPlugin: boolean;
  env: Record<string, string>;
  /** Programs that it needs on PATH. */
  needs: readonly string[];
}

type Options = Pick<Subject, "id" | "title" | "files"> & Partial<Subject>;

const subject = (options: Options): Subject => ({
  tool: "pulumi",
  usesApi: false,
  usesPlugin: false,
  env: {},
  needs: [],
  ...options,
});

/** All subjects, the baselines first. */
export const SUBJECTS: readonly Subject[] = [
  subject({
    id: "dynamicBaseline",
    title: "dynamic baseline",
    files: (...change) => ({ ...javascript(DYNAMIC_BASELINE, ...change), ...baselineModule() }),
  }),
  subject({
    id: "noopBaseline",
    title: "no-op baseline",
    files: (...change) => ({ ...javascript(NOOP_BASELINE, ...change), ...baselineModule() }),
  }),
  subject({
    id: "sameOutputs",
    title: "same outputs, no work",
    files: (...change) => ({ ...javascript(SAME_OUTPUTS, ...change), ...baselineModule({ withOutputs: true }) }),
  }),
  subject({
    id: "dynamicHost",
    title: "borgbase, dynamic host",
    files: (...change) => javascript(REPOSITORIES, ...change),
    usesApi: true,
  }),
  subject({
    id: "plugin",
    title: "borgbase, plugin",
    files: (...change) => javascript(REPOSITORIES, ...change, { "borgbase:plugin": { value: true } }),
    usesApi: true,
    usesPlugin: true,
  }),
  subject({
    id: "yaml",
    title: "borgbase, YAML over the plugin",
    files: yaml,
    usesApi: true,
    usesPlugin: true,
    needs: ["pulumi-language-yaml"],
  }),
  subject({
    id: "terraform",
    title: "OpenTofu, gjabell/borgbase",
    tool: "tofu",
    files: terraform,
    usesApi: true,
    needs: ["tofu", "terraform-provider-borgbase"],
  }),
  subject({
    id: "noCheckpoints",
    title: "borgbase, dynamic host, no checkpoints",
    files: (...change) => javascript(REPOSITORIES, ...change),
    usesApi: true,
    env: { PULUMI_SKIP_CHECKPOINTS: "true" },
  }),
];

export function subjectOf(id: SubjectId): Subject {
  return SUBJECTS.find((each) => each.id === id) as Subject;
}

export const titleOf = (id: SubjectId): string => subjectOf(id).title;
