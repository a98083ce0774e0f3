/** Runs at most `max` tasks at once. The others wait in order. */
export function limitConcurrency(max: number): <T>(task: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (running >= max) await new Promise<void>((resume) => waiting.push(resume));
    else running++;
    try {
      return await task();
    } finally {
      // Handing the slot to the next waiting task keeps a later one from overtaking it.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
