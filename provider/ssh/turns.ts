import type { Deadline } from "./deadline";

const lines = new Map<string, Turns>();

interface Turns {
  free: number;
  waiting: (() => void)[];
}

/**
 * Runs `work` when fewer than `limit` others of the same name run in this process; the rest wait in order,
 * each no longer than its own deadline.
 */
export async function inTurn<T>(name: string, limit: number, deadline: Deadline, work: () => Promise<T>): Promise<T> {
  const turns = lines.get(name) ?? { free: limit, waiting: [] };
  lines.set(name, turns);
  if (turns.free > 0) turns.free--;
  else await awaitTurn(turns, deadline);
  try {
    return await work();
  } finally {
    const next = turns.waiting.shift();
    if (next) next();
    else if (++turns.free === limit) lines.delete(name);
  }
}

async function awaitTurn(turns: Turns, deadline: Deadline): Promise<void> {
  let start = () => {};
  const turn = new Promise<void>((resolve) => {
    start = resolve;
  });
  turns.waiting.push(start);
  await deadline.wait(turn, () => {
    turns.waiting = turns.waiting.filter((waiting) => waiting !== start);
  });
}
