/** The record of a job on its host: whose it is, and what was made. */
export interface Manifest {
  schema: 1;
  /** `PROJECT/STACK/NAME`. */
  origin: string;
  /** Random id of this job. A deletion acts on its own alone. */
  instance: string;
  /** `applying` until every part is in place. */
  phase: "applying" | "ready";
  /** Every path that was made. */
  paths: string[];
  /** Packages that were installed. They stay for good. */
  packages: string[];
  /** Programs as they were when `versions` was read. */
  signatures: string[];
  versions: { borg?: string | undefined; borgmatic?: string | undefined };
}

/** The manifest in a text. A text that no version of this package wrote counts as a manifest of somebody else. */
export function readManifest(text: string | undefined): Manifest | undefined {
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Partial<Manifest>;
    if (value.schema === 1 && typeof value.origin === "string" && typeof value.instance === "string") {
      return value as Manifest;
    }
  } catch {
    // Not JSON.
  }
  return { ...UNKNOWN };
}

/** Matches no origin and no instance. */
const UNKNOWN: Manifest = {
  schema: 1,
  origin: "an unknown program",
  instance: "",
  phase: "ready",
  paths: [],
  packages: [],
  signatures: [],
  versions: {},
};

export function renderManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, undefined, 1)}\n`;
}
