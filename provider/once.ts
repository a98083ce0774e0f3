/** `make`, called at the first use and never again: schemas are dear to build, and the engine asks a thousand times. */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
