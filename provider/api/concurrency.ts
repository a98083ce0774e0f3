/** At most `most` of the given tasks run at once; the others wait in the order in which they came. */
export function limitConcurrency(max: number): <T>(task: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (running >= max) await new Promise<void>((resume) => waiting.push(resume));
    else running++;
    try {
      return await task();
    } finally {
      // The place is handed on rather than given back, so that nobody who comes later can take it first.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
