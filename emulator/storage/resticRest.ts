import { createHash, timingSafeEqual } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat, unlink } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { createFolders, list, pathOf, type ResticFile, type ResticType, save, TYPES, UploadError } from "./resticFiles";
import type { StorageBackend, StorageRepo } from "./types";

const JSON_V1 = "application/vnd.x.restic.rest.v1";
const JSON_V2 = "application/vnd.x.restic.rest.v2";

/** `/ID/`, `/ID/config`, `/ID/TYPE/` and `/ID/TYPE/NAME`. */
const REPO_PATH = /^\/([a-z0-9]{8})\/(.*)$/;
const FILE_PATH = new RegExp(`^(${TYPES.join("|")})/([0-9a-f]{64})?$`);

/**
 * Serves restic's REST protocol, versions 1 and 2 (restic's doc/REST_backend.rst), below `/ID/`. The user is the repository's
 * id. The API's own routes precede it.
 *
 * @returns false, without a response, for a path outside every repository.
 */
export async function resticRequest(
  req: IncomingMessage,
  res: ServerResponse,
  backend: StorageBackend,
): Promise<boolean> {
  const target = `http://emulator${req.url}`;
  if (!req.url?.startsWith("/") || !URL.canParse(target)) return false;
  const url = new URL(target);
  const [, id, rest] = REPO_PATH.exec(url.pathname) ?? [];
  if (id === undefined || rest === undefined) return false;

  const repo = backend.repo(id);
  if (!repo || !authorized(req, repo)) {
    res.setHeader("WWW-Authenticate", 'Basic realm="restic", charset="UTF-8"');
    answer(res, 401, "Wrong user or password.");
    return true;
  }
  try {
    await route(req, res, repo, rest, url.searchParams);
  } catch (error) {
    if (error instanceof UploadError) answer(res, error.status, error.message);
    else if (req.destroyed && !req.complete) res.destroy();
    else answer(res, 500, `The emulator failed: ${(error as Error).message}`);
  }
  return true;
}

/** An unknown repository and a wrong password get the same response. */
function authorized(req: IncomingMessage, repo: StorageRepo): boolean {
  if (repo.format !== "restic" || !repo.htpasswd) return false;
  const [scheme, given] = (req.headers.authorization ?? "").split(" ");
  if (scheme?.toLowerCase() !== "basic" || !given) return false;
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(Buffer.from(given, "base64").toString("utf8")), digest(`${repo.id}:${repo.htpasswd}`));
}

async function route(
  req: IncomingMessage,
  res: ServerResponse,
  repo: StorageRepo,
  rest: string,
  query: URLSearchParams,
): Promise<void> {
  if (rest === "") {
    if (req.method === "POST" && query.get("create") === "true") {
      await createFolders(repo);
      return answer(res, 200);
    }
    return answer(res, 501, "Repositories are deleted with the API.");
  }
  const [, type, name] = FILE_PATH.exec(rest) ?? [];
  if (rest === "config") return serveFile(req, res, repo, { type: "config" });
  if (type && name) return serveFile(req, res, repo, { type: type as ResticType, name });
  if (type && req.method === "GET") return serveList(req, res, repo, type as ResticType);
  answer(res, type ? 405 : 404);
}

async function serveList(
  req: IncomingMessage,
  res: ServerResponse,
  repo: StorageRepo,
  type: ResticType,
): Promise<void> {
  const files = await list(repo, type);
  if (!files) return answer(res, 404);
  const v2 = req.headers.accept === JSON_V2;
  res.writeHead(200, { "Content-Type": v2 ? JSON_V2 : JSON_V1 });
  res.end(JSON.stringify(v2 ? files : files.map((file) => file.name)));
}

async function serveFile(
  req: IncomingMessage,
  res: ServerResponse,
  repo: StorageRepo,
  file: ResticFile,
): Promise<void> {
  switch (req.method) {
    case "HEAD":
    case "GET":
      return sendFile(req, res, pathOf(repo, file));
    case "POST": {
      const length = req.headers["content-length"];
      await save(repo, file, req, length === undefined ? undefined : Number(length));
      return answer(res, 200);
    }
    case "DELETE":
      // Clients of an append-only repository must still be able to release their locks.
      if (repo.appendOnly && file.type !== "locks") return answer(res, 403, "The repository is append-only.");
      return answer(res, (await removed(pathOf(repo, file))) ? 200 : 404);
    default:
      res.setHeader("Allow", "HEAD, GET, POST, DELETE");
      return answer(res, 405);
  }
}

async function sendFile(req: IncomingMessage, res: ServerResponse, path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return answer(res, 404);
  const range = req.method === "GET" ? parseRange(req.headers.range, found.size) : undefined;
  if (range === "unsatisfiable") {
    res.setHeader("Content-Range", `bytes */${found.size}`);
    return answer(res, 416);
  }
  const { start, end } = range ?? { start: 0, end: found.size - 1 };
  if (range) res.setHeader("Content-Range", `bytes ${start}-${end}/${found.size}`);
  res.writeHead(range ? 206 : 200, {
    "Content-Type": "application/octet-stream",
    "Accept-Ranges": "bytes",
    "Content-Length": end - start + 1,
  });
  if (req.method === "HEAD" || end < start) {
    res.end();
    return;
  }
  // A client may close the connection early, which is no failure.
  await pipeline(createReadStream(path, { start, end }), res).catch(() => res.destroy());
}

/** One range of bytes, both ends included (RFC 9110, 14.1.2); undefined for none, or for a form that may be ignored. */
export function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | "unsatisfiable" | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return undefined;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== "" && last !== "" && Number(last) < start) return undefined;
  return start > end ? "unsatisfiable" : { start, end };
}

async function removed(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

function answer(res: ServerResponse, status: number, line = ""): void {
  res.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
  res.end(line ? `${line}\n` : undefined);
}
