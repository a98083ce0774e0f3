import { messageOf, ProviderError } from "../errors";
import { QuietError } from "./dynamicHostInternals";

/** An expected failure as the host shows it best: its message and nothing else. */
export async function withExpectedErrors<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof ProviderError) throw new QuietError(messageOf(error));
    throw error;
  }
}
