/** Calls `build` on first use only: schemas are slow to build, and the engine calls a thousand times. */
export function lazy<T>(build: () => T): () => T {
  let built: { value: T } | undefined;
  return () => {
    built ??= { value: build() };
    return built.value;
  };
}
