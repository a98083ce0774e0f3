import type { Context } from "../context";
import { kindOfText, SshFailure } from "./failure";
import { pinnedKeys } from "./hostKeys";
import { type SshSession, type Target, withSession } from "./session";

export interface Probes {
  timeoutMs: number;
  /** Bytes that the speed is measured with. */
  speedBytes: number;
  /** A TCP address that the host is asked to reach. */
  reach: { host: string; port: number; timeout_seconds: number } | null;
}

const BLOCK = 65_536;

/** Contacts a host step by step, and stores nothing. Later steps need the success of the session. */
export async function diagnose(context: Context, target: Target, privateKey: string, probes: Probes) {
  const started = performance.now();
  const { timeoutMs } = probes;
  const pinned = pinnedKeys(context, target);
  const limits = { connectMs: Math.min(context.connectMs, timeoutMs), totalMs: timeoutMs, pinned };
  const isNewer = context.variants.version === "newer";
  let session: Record<string, unknown> = {};
  let tcp: Record<string, unknown> | null = null;
  let throughput: Record<string, unknown> | null = null;
  try {
    await withSession(target, { privateKey }, limits, async (connection) => {
      const { code, stdout, stderr } = await connection.run("pwd");
      if (code !== 0 && !isNewer) {
        const words = stderr || stdout || "no output";
        throw new SshFailure(kindOfText(words), words);
      }
      const output = stdout.trim();
      session = {
        status: "success",
        elapsed_ms: since(started),
        ...(code !== 0 && { restricted: true }),
        ...(output && { output }),
      };
      if (probes.reach) tcp = await reached(connection, probes.reach);
      throughput = await speed(connection, probes.speedBytes);
    });
  } catch (error) {
    if (!(error instanceof SshFailure)) throw error;
    session = failed(error, started);
  }
  const { output: _, restricted: __, ...latency } = session;
  return { session, latency, tcp, throughput };
}

async function reached(session: SshSession, target: NonNullable<Probes["reach"]>) {
  const started = performance.now();
  try {
    await session.reach(target.host, target.port);
    return { target, status: "success", elapsed_ms: since(started) };
  } catch (error) {
    if (!(error instanceof SshFailure)) throw error;
    return { target, ...failed(error, started) };
  }
}

async function speed(session: SshSession, bytes: number) {
  const started = performance.now();
  const probe = { direction: "download", probe_size_bytes: bytes };
  const {
    code,
    bytes: sent,
    stderr,
  } = await session.run(`dd if=/dev/zero bs=${BLOCK} count=${Math.ceil(bytes / BLOCK)}`);
  if (code !== 0 || sent === 0) {
    return { ...probe, ...failed(new SshFailure(kindOfText(stderr), stderr || "no output"), started) };
  }
  const elapsed_ms = since(started);
  const mbps = Number((sent / 1024 / 1024 / Math.max(elapsed_ms / 1000, 0.001)).toFixed(2));
  return { ...probe, status: "success", bytes_transferred: sent, elapsed_ms, mbps };
}

function failed({ kind, message }: SshFailure, started: number) {
  const status = kind === "timeout" ? "timeout" : "failed";
  return { status, elapsed_ms: since(started), error: kind, message: message.trim() };
}

function since(started: number): number {
  return Math.round(performance.now() - started);
}
