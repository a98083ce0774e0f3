import { messageOf, ProviderError } from "../errors";

/** An expected failure as the host shows it best: its message and nothing else. */
export async function told<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof ProviderError) throw new Told(messageOf(error));
    throw error;
  }
}

class Told extends Error {
  override readonly stack = "";
  override toString(): string {
    return "";
  }
}

/** The host prints `${error}: ${error.stack}` beside the message that the engine shows: of a {@link Told} that is ": ". */
export function quietExpectedErrors(): void {
  const print = console.error;
  console.error = (...texts: unknown[]) => {
    if (texts.length !== 1 || texts[0] !== ": ") print(...texts);
  };
}
