import { z } from "zod";
import { refusal } from "../../errors";
import type { SourceLocation } from "../../store/rows";

/** Folders to back up, grouped by host. */
export const locationsInput = z.array(z.record(z.string(), z.unknown()));

export interface SourceInput {
  source_locations?: Record<string, unknown>[] | null | undefined;
  source_directories?: string[] | null | undefined;
  connectionId?: number | null | undefined;
}

/** Locations of either form of input: a list of locations, or paths with one connection. Empty paths are dropped. */
export function toLocations(input: SourceInput, unknownConnection: string): SourceLocation[] {
  if (input.source_locations?.length) {
    return input.source_locations.flatMap((given) => {
      const paths = cleaned(given.paths);
      const id = given.source_ssh_connection_id;
      const remote = given.source_type === "remote" || (given.source_type !== "local" && typeof id === "number");
      if (paths.length === 0) return [];
      if (remote !== (typeof id === "number")) throw refusal(422, unknownConnection);
      return [location(remote ? Number(id) : null, paths)];
    });
  }
  const paths = cleaned(input.source_directories);
  return paths.length === 0 ? [] : [location(input.connectionId ?? null, paths)];
}

function location(connectionId: number | null, paths: string[]): SourceLocation {
  return {
    source_type: connectionId === null ? "local" : "remote",
    source_ssh_connection_id: connectionId,
    agent_machine_id: null,
    paths,
  };
}

/** The older fields beside the locations. Several locations have no connection of their own. */
export function olderFields(locations: SourceLocation[]) {
  const only = locations.length === 1 ? locations[0] : undefined;
  return {
    source_type: locations.length > 1 ? "mixed" : (only?.source_type ?? "local"),
    source_ssh_connection_id: only?.source_ssh_connection_id ?? null,
    source_directories: locations.flatMap(({ paths }) => paths),
  };
}

function cleaned(paths: unknown): string[] {
  const texts = Array.isArray(paths) ? paths.map((path) => String(path).trim()) : [];
  return texts.filter((path) => path !== "");
}
