/** `make`, called at the first use and never again: schemas are dear to build, and the engine asks a thousand times. */
export function lazy<T>(build: () => T): () => T {
  let built: { value: T } | undefined;
  return () => {
    built ??= { value: build() };
    return built.value;
  };
}
