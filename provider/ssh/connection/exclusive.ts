import type { Deadline } from "./deadline";

const queues = new Map<string, Queue>();

interface Queue {
  free: number;
  waiting: { start(): void; deadline: Deadline }[];
}

/**
 * Runs `work` while fewer than `limit` others of the same name run in this process. The rest wait in order.
 * Each waits no longer than its own deadline, which restarts whenever another of the queue finishes.
 * A long queue is therefore never reported as a silent host.
 */
export async function runExclusive<T>(
  name: string,
  limit: number,
  deadline: Deadline,
  work: () => Promise<T>,
): Promise<T> {
  const queue = queues.get(name) ?? { free: limit, waiting: [] };
  queues.set(name, queue);
  if (queue.free > 0) queue.free--;
  else await awaitStart(queue, deadline);
  try {
    const result = await work();
    for (const each of queue.waiting) each.deadline.restart();
    return result;
  } finally {
    const next = queue.waiting.shift();
    if (next) next.start();
    else if (++queue.free === limit) queues.delete(name);
  }
}

async function awaitStart(queue: Queue, deadline: Deadline): Promise<void> {
  let start = () => {};
  const started = new Promise<void>((resolve) => {
    start = resolve;
  });
  const entry = { start, deadline };
  queue.waiting.push(entry);
  await deadline.wait(started, () => {
    queue.waiting = queue.waiting.filter((waiting) => waiting !== entry);
  });
}
