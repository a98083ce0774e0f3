import { isoTime } from "../../../clock";
import type { Context } from "../../context";
import { inWords } from "../../ssh/storage";
import type { Repository } from "../../store/rows";
import { accessOf, readOptions } from "./access";

interface Info {
  cache?: { stats?: { unique_size?: number } };
}

interface Listing {
  archives?: { name: string; time?: string; start?: string }[];
}

/** Reads number of archives, size and last backup with borg; keeps the old values where borg fails. */
export async function refreshStats(context: Context, row: Repository): Promise<void> {
  const { borg, store } = context;
  const access = accessOf(context, row);
  const listing = await borg.run(["list", ...readOptions(row), "--json", row.path], access);
  if (listing.code === 0) {
    const { archives = [] } = JSON.parse(listing.stdout) as Listing;
    row.archive_count = archives.length;
    const times = archives.flatMap(({ time, start }) => time ?? start ?? []);
    const last = times.sort().at(-1);
    if (last) row.last_backup = isoTime(new Date(last));
  }
  const info = await borg.run(["info", ...readOptions(row), "--json", row.path], access);
  if (info.code === 0) {
    const size = (JSON.parse(info.stdout) as Info).cache?.stats?.unique_size ?? 0;
    if (size > 0) row.total_size = inWords(size);
  }
  if (store.repositories.get(row.id)) store.repositories.save(row);
}

/** The `stats` of one repository: an error where borg fails, and else mostly "Unknown". */
export async function statsOf(context: Context, row: Repository): Promise<Record<string, unknown>> {
  const { borg } = context;
  const access = accessOf(context, row);
  const info = await borg.run(["info", ...readOptions(row), "--json", row.path], access);
  if (info.code !== 0) return { error: "Failed to get repository info", details: info.stderr };
  const listing = await borg.run(["list", ...readOptions(row), "--json", row.path], access);
  const archives = listing.code === 0 ? ((JSON.parse(listing.stdout) as Listing).archives ?? []) : [];
  return {
    total_size: "Unknown",
    compressed_size: "Unknown",
    deduplicated_size: "Unknown",
    archive_count: archives.length,
    last_modified: null,
    encryption: "Unknown",
  };
}
