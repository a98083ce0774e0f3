import type { Deadline } from "./deadline";

const lines = new Map<string, Turns>();

interface Turns {
  free: number;
  waiting: { start(): void; deadline: Deadline }[];
}

/**
 * Runs `work` when fewer than `limit` others of the same name run in this process; the rest wait in order,
 * each no longer than its own deadline, which begins anew whenever one before it is done: a long queue is no silent host.
 */
export async function inTurn<T>(name: string, limit: number, deadline: Deadline, work: () => Promise<T>): Promise<T> {
  const turns = lines.get(name) ?? { free: limit, waiting: [] };
  lines.set(name, turns);
  if (turns.free > 0) turns.free--;
  else await awaitTurn(turns, deadline);
  try {
    const result = await work();
    for (const each of turns.waiting) each.deadline.restart();
    return result;
  } finally {
    const next = turns.waiting.shift();
    if (next) next.start();
    else if (++turns.free === limit) lines.delete(name);
  }
}

async function awaitTurn(turns: Turns, deadline: Deadline): Promise<void> {
  let start = () => {};
  const turn = new Promise<void>((resolve) => {
    start = resolve;
  });
  const entry = { start, deadline };
  turns.waiting.push(entry);
  await deadline.wait(turn, () => {
    turns.waiting = turns.waiting.filter((waiting) => waiting !== entry);
  });
}
